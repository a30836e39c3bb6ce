"""SQLite: every group of statements is one trip to a thread.

An async driver makes that trip for each of a statement's steps, a good forty times a job (decision 25).
"""

import asyncio
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.sql import Select

from editqueue.adapters.job_store.databases.database import GROUP_SECONDS, Rows, StatementRefused
from editqueue.adapters.job_store.databases.database_url import DatabaseUrl
from editqueue.adapters.job_store.databases.engine import EngineDatabase, closing, first_line, rows_of
from editqueue.domain.errors import StorageUnavailable

T = TypeVar("T")

BUSY_TIMEOUT_MS = 500
"""How long SQLite itself waits for writers of other processes. It hears of nothing while it waits, so it waits again
and again until a group's time is up; 16 processes at work wait well under a second."""
CLOSING_SECONDS = 1.0
"""Groups under way get so much time to end when the database is closed; then their statements are interrupted."""
INTERRUPT_EVERY = 0.05
"""A group may have more statements, and each is interrupted by itself."""
CHECKPOINT_PAGES = 4000
"""16 MB of WAL between checkpoints. At SQLite's 1,000 every hundredth claim paid for one, and the more the larger the
database: claim p99 at a million jobs was 1.6 x that at a thousand (bench growth)."""
READERS = 3
"""Threads for groups that only read. They see the last commit and wait for nobody."""
WAL_SECONDS, WAL_PAUSE = 5.0, 0.02
"""For a switch that takes milliseconds, and between two tries."""
PROBE_BYTES = 8192
"""A little beyond a page of the database: what fits onto a disk that is full to the last page is no proof."""
_DEFECTS = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE}
"""The first for a wrong syntax or name."""


class SqliteDatabase(EngineDatabase):
    """`Database` on a SQLite file. Groups that write take turns in one thread, in the order they were asked for:
    SQLite has one writer, and waiting in line here is cheaper than its busy handler."""

    def __init__(self, url: DatabaseUrl) -> None:
        self._path = Path(url.url.database or "")
        self._file: tuple[int, int] | None = None
        """Device and inode of the database, from the first connection on; None for one in memory."""
        self._engine = create_engine(
            url.url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # an error goes into the log; what customers write does not
            pool_size=READERS + 1,
            connect_args={"check_same_thread": False},
        )
        self._connections: set[sqlite3.Connection] = set()
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "connect", self._opened)
        event.listen(self._engine, "close", self._closed)
        self._closing = threading.Event()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    def _opened(self, connection: sqlite3.Connection, _record: object) -> None:
        self._connections.add(connection)
        if self._file is None and self._path.is_file():
            self._file = _file_at(self._path)
        self._confirm()

    def _closed(self, connection: sqlite3.Connection, _record: object) -> None:
        self._connections.discard(connection)

    async def _run(self, statements: Sequence[Executable]) -> Sequence[Rows]:
        def work(connection: Connection) -> Sequence[Rows]:
            return [rows_of(connection.execute(statement)) for statement in statements]

        return await self._in_turn(work, writes=not all(isinstance(statement, Select) for statement in statements))

    async def _in_turn(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        """What `work` returns, as a transaction of its own. It has GROUP_SECONDS to get its turn and the lock.

        Cancelled before its commit, it changes nothing; nobody waits for it to find out.
        """
        unwanted, until = threading.Event(), time.monotonic() + GROUP_SECONDS
        turn = self._submit(
            self._writer if writes else self._readers,
            lambda: self._persist(work, writes=writes, unwanted=unwanted, until=until),
        )
        answer = asyncio.wrap_future(turn)
        try:
            await asyncio.wait([answer], timeout=GROUP_SECONDS)
            if not answer.done() and turn.cancel():
                raise StatementRefused(f"database: its turn did not come within {GROUP_SECONDS:.0f} s")
            return await answer
        except asyncio.CancelledError:
            unwanted.set()
            answer.cancel()
            raise

    def _persist(self, work: Callable[[Connection], T], *, writes: bool, unwanted: threading.Event, until: float) -> T:
        """Try again while another process holds the database, until the time is up or nobody waits any more."""
        while not self._closing.is_set() and not unwanted.is_set():
            try:
                with self._transaction(writes=writes, unwanted=unwanted) as connection:
                    return work(connection)
            except OperationalError as error:
                if not _is_busy(error):
                    raise
                if until - time.monotonic() < BUSY_TIMEOUT_MS / 1000:
                    raise StatementRefused(f"database: {first_line(error)}; another process holds it") from error
        raise closing()

    def _is_defect(self, error: DBAPIError) -> bool:
        """An error without a code is Python's: a value of a wrong type, a parameter too few. A table that is not there
        was taken away: all are there when a store is opened."""
        code: int | None = getattr(error.orig, "sqlite_errorcode", None)
        return code is None or (code & 0xFF in _DEFECTS and "no such table" not in str(error.orig))

    def _confirm(self) -> None:
        """Raises StorageUnavailable where the path leads to another file than the one that was opened: SQLite would
        work on with a file that nobody finds any more, and lose what is answered."""
        if self._file not in {None, _file_at(self._path)}:
            raise StorageUnavailable(
                f"database: {self._path} is gone, or another file than when it was opened; put it back, or restart"
            )

    @contextmanager
    def _transaction(self, *, writes: bool, unwanted: threading.Event) -> Generator[Connection]:
        self._confirm()
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
        self._confirm()

    async def _probe(self) -> datetime:
        await self._in_turn(lambda _: None, writes=True)
        return await asyncio.wrap_future(self._submit(self._readers, self._write_beside))

    def _write_beside(self) -> datetime:
        """Write to a file beside the database; returns when that was by the clock of the file system, which is the
        kernel's. SQLite's own functions ask the process, like everybody in it."""
        with tempfile.TemporaryFile(dir=self._path.parent, buffering=0) as unnamed:
            unnamed.write(bytes(PROBE_BYTES))
            return datetime.fromtimestamp(os.fstat(unnamed.fileno()).st_mtime, UTC)

    async def with_connection(self, work: Callable[[Connection], T]) -> T:
        def connected() -> T:
            with self._engine.connect() as connection:
                return work(connection)

        return await asyncio.wrap_future(self._submit(self._writer, connected))

    def _submit(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> Future[T]:
        if self._closing.is_set():
            raise closing()
        return threads.submit(work)

    async def close(self) -> None:
        """Groups under way end first if they do so within CLOSING_SECONDS, else they are interrupted."""
        self._closing.set()
        ending = asyncio.create_task(asyncio.to_thread(self._shut_down))
        await asyncio.wait([ending], timeout=CLOSING_SECONDS)
        while not ending.done():
            self._interrupt()
            await asyncio.wait([ending], timeout=INTERRUPT_EVERY)
        await ending

    def _shut_down(self) -> None:
        for threads in (self._writer, self._readers):
            threads.shutdown()
        self._engine.dispose()

    def _interrupt(self) -> None:
        for connection in tuple(self._connections):
            with suppress(sqlite3.ProgrammingError):  # closed in the meantime
                connection.interrupt()


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_busy(error: OperationalError) -> bool:
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY


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
    until = time.monotonic() + WAL_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(WAL_PAUSE)
        else:
            return
