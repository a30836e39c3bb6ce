"""SQLite: every group of statements is one trip to a thread.

An async driver makes that trip for each of a statement's steps, a good forty times a job (decision 25).
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Select

from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.database_url import DatabaseUrl
from editqueue.adapters.job_store.databases.engine import EngineDatabase, rows_of

T = TypeVar("T")

BUSY_TIMEOUT_MS = 60_000
"""How long a writer waits for those of other processes; 16 at work wait well under a second."""
CHECKPOINT_PAGES = 4000
"""16 MB of WAL between checkpoints. At SQLite's 1,000 every hundredth claim paid for one, and the more the larger the
database: claim p99 at a million jobs was 1.6 x that at a thousand (bench growth)."""
READERS = 3
"""Threads for groups that only read. They see the last commit and wait for nobody."""
WAL_TRIES, WAL_PAUSE = 250, 0.02
"""Tries and seconds between them: five seconds for a switch that takes milliseconds."""
_DEFECTS = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE}
"""The first for a wrong syntax or name."""


class SqliteDatabase(EngineDatabase):
    """`Database` on a SQLite file. Groups that write take turns in one thread, in the order they were asked for:
    SQLite has one writer, and waiting in line here is cheaper than its busy handler."""

    def __init__(self, url: DatabaseUrl) -> None:
        self._engine = create_engine(
            url.url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # an error goes into the log; what customers write does not
            pool_size=READERS + 1,
            connect_args={"check_same_thread": False},
        )
        event.listen(self._engine, "connect", _prepare)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    async def _run(self, statements: Sequence[Executable]) -> Sequence[Rows]:
        """Cancelled before its commit, a group changes nothing; nobody waits for it to find out."""
        writes = not all(isinstance(statement, Select) for statement in statements)
        unwanted = threading.Event()

        def work() -> Sequence[Rows]:
            with self._transaction(writes=writes, unwanted=unwanted) as connection:
                return [rows_of(connection.execute(statement)) for statement in statements]

        try:
            return await _in(self._writer if writes else self._readers, work)
        except asyncio.CancelledError:
            unwanted.set()
            raise

    def _is_defect(self, error: DBAPIError) -> bool:
        """An error without a code is Python's: a value of a wrong type, a parameter too few. A table that is not there
        was taken away: all are there when a store is opened."""
        code: int | None = getattr(error.orig, "sqlite_errorcode", None)
        return code is None or (code & 0xFF in _DEFECTS and "no such table" not in str(error.orig))

    @contextmanager
    def _transaction(self, *, writes: bool, unwanted: threading.Event) -> Generator[Connection]:
        with self._engine.connect() as connection:
            # A deferred BEGIN that turns into a write fails at once when somebody else wrote: measured at
            # up to 450,000 instant SQLITE_BUSY; IMMEDIATE queues up instead.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
            try:
                yield connection
                connection.exec_driver_sql("ROLLBACK" if unwanted.is_set() else "COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    async def with_connection(self, work: Callable[[Connection], T]) -> T:
        def connected() -> T:
            with self._engine.connect() as connection:
                return work(connection)

        return await _in(self._writer, connected)

    async def close(self) -> None:
        """Groups under way end first."""
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        for threads in (self._writer, self._readers):
            threads.shutdown()
        self._engine.dispose()


async def _in(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _roll_back(connection: Connection) -> None:
    """SQLite ends some transactions itself, on a full disk for one; the error on its way is the one that counts."""
    driver: Any = connection.connection.driver_connection
    if driver.in_transaction:
        connection.exec_driver_sql("ROLLBACK")


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _enter_wal(cursor)
    # FULL: an answered submit survives a power cut, not only a crash.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    cursor.close()


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    """Switch a new database to WAL. SQLite answers "locked" at once, without its busy handler, when another
    process switches the same new file at the same moment."""
    for _ in range(WAL_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(WAL_PAUSE)
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")
