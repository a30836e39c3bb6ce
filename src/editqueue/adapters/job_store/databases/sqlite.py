"""SQLite: every group of statements is one trip to a thread.

An async driver makes that trip for each of a statement's steps, a good forty times a job (decision 25).
"""

import asyncio
import os
import sqlite3
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.dialects import sqlite

from editqueue.adapters.job_store.databases.database import GROUP_SECONDS, Rows, StatementRefused
from editqueue.adapters.job_store.databases.database_url import DatabaseUrl
from editqueue.adapters.job_store.databases.engine import EngineDatabase, closing
from editqueue.adapters.job_store.databases.sqlite_connection import (
    connect,
    errors_translated,
    is_busy,
    is_read_only,
    prepare,
)
from editqueue.adapters.job_store.databases.statement import Statement
from editqueue.adapters.job_store.databases.threads import Threads, Turn
from editqueue.domain.errors import StorageUnavailable

T = TypeVar("T")
DIALECT: Final = sqlite.dialect(paramstyle="qmark")

BUSY_TIMEOUT_MS = 500
"""How long SQLite itself waits for writers of other processes. It hears of nothing while it waits, so it waits again
and again until a group's time is up; 16 processes at work wait well under a second."""
CLOSING_SECONDS = 1.0
"""Groups under way get so much time to end when the database is closed; then their statements are interrupted."""
INTERRUPT_EVERY = 0.05
"""A group may have more statements, and each is interrupted by itself."""
READERS = 3
"""Threads for groups that only read. They see the last commit and wait for nobody."""
PROBE_BYTES = 8192
"""A little beyond a page of the database: what fits onto a disk that is full to the last page is no proof."""


class SqliteDatabase(EngineDatabase):
    """`Database` on a SQLite file. Groups that write take turns in one thread, in the order they were asked for:
    SQLite has one writer, and waiting in line here is cheaper than its busy handler."""

    def __init__(self, url: DatabaseUrl) -> None:
        self._url = url.url
        self._path = Path(url.url.database or "")
        self._file: tuple[int, int] | None = None
        """Device and inode of the database, from the first connection on; None for one in memory."""
        self._connections: set[sqlite3.Connection] = set()
        self._idle: deque[sqlite3.Connection] = deque()
        self._closing = threading.Event()
        self._writer = Threads(1, name="sqlite-writer")
        self._readers = Threads(READERS, name="sqlite-reader")

    @property
    def path(self) -> Path:
        return self._path

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        compiled = [statement.compiled(DIALECT) for statement in statements]

        def work(connection: sqlite3.Connection) -> Sequence[Rows]:
            return [_rows(connection.execute(sql, parameters)) for sql, parameters in compiled]

        writes = not all(statement.template.reads_only for statement in statements)
        with errors_translated():
            return await self._in_turn(work, writes=writes)

    async def _in_turn(self, work: Callable[[sqlite3.Connection], T], *, writes: bool) -> T:
        """What `work` returns, as a transaction of its own. It has GROUP_SECONDS to get its turn and the lock.

        Cancelled before its commit, it changes nothing; nobody waits for it to find out.
        """
        unwanted, until = threading.Event(), time.monotonic() + GROUP_SECONDS
        turn = self._submit(
            self._writer if writes else self._readers,
            lambda: self._persist(work, writes=writes, unwanted=unwanted, until=until),
        )
        late = asyncio.get_running_loop().call_later(GROUP_SECONDS, _give_up, turn)
        try:
            return await turn.answer
        except asyncio.CancelledError:
            unwanted.set()
            raise
        finally:
            late.cancel()

    def _persist(
        self, work: Callable[[sqlite3.Connection], T], *, writes: bool, unwanted: threading.Event, until: float
    ) -> T:
        """Try again while another process holds the database, until the time is up or nobody waits any more."""
        while not self._closing.is_set() and not unwanted.is_set():
            try:
                with self._transaction(writes=writes, unwanted=unwanted) as connection:
                    return work(connection)
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                if until - time.monotonic() < BUSY_TIMEOUT_MS / 1000:
                    raise StatementRefused(f"database: {error}; another process holds it") from error
        raise closing()

    def _confirm(self) -> None:
        """Raises StorageUnavailable where the path leads to another file than the one that was opened: SQLite would
        work on with a file that nobody finds any more, and lose what is answered."""
        if self._file not in {None, _file_at(self._path)}:
            raise StorageUnavailable(
                f"database: {self._path} is gone, or another file than when it was opened; put it back, or restart"
            )

    @contextmanager
    def _transaction(self, *, writes: bool, unwanted: threading.Event) -> Generator[sqlite3.Connection]:
        self._confirm()
        with self._connected() as connection:
            # A deferred BEGIN that turns into a write fails at once when somebody else wrote: measured at
            # up to 450,000 instant SQLITE_BUSY; IMMEDIATE queues up instead.
            connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            try:
                yield connection
                connection.execute("ROLLBACK" if unwanted.is_set() else "COMMIT")
            finally:
                # SQLite ends some transactions itself, on a full disk for one.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        self._confirm()

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        is_usable = True
        try:
            yield connection
        except sqlite3.OperationalError as error:
            # SQLite opened the file as it was allowed to then; one that is opened anew may be allowed more.
            is_usable = not is_read_only(error)
            raise
        finally:
            if is_usable:
                self._idle.append(connection)
            else:
                self._connections.discard(connection)
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path, busy_timeout_ms=BUSY_TIMEOUT_MS)
        self._connections.add(connection)
        self._file = self._file or _file_at(self._path)
        self._confirm()
        return connection

    async def _probe(self) -> datetime:
        with errors_translated():
            await self._in_turn(lambda _: None, writes=True)
            return await self._submit(self._readers, self._write_beside).answer

    def _write_beside(self) -> datetime:
        """Write to a file beside the database; returns when that was by the clock of the file system, which is the
        kernel's. SQLite's own functions ask the process, like everybody in it."""
        with tempfile.TemporaryFile(dir=self._path.parent, buffering=0) as unnamed:
            unnamed.write(bytes(PROBE_BYTES))
            return datetime.fromtimestamp(os.fstat(unnamed.fileno()).st_mtime, UTC)

    async def with_connection(self, work: Callable[[Connection], T]) -> T:
        def prepared(connection: sqlite3.Connection, _record: object) -> None:
            prepare(connection, busy_timeout_ms=BUSY_TIMEOUT_MS)

        def connected() -> T:
            engine = create_engine(self._url, isolation_level="AUTOCOMMIT", hide_parameters=True, poolclass=NullPool)
            event.listen(engine, "connect", prepared)
            with engine.connect() as connection:
                self._file = self._file or _file_at(self._path)
                return work(connection)

        return await self._submit(self._writer, connected).answer

    def _submit(self, threads: Threads, work: Callable[[], T]) -> Turn[T]:
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
            threads.join()
        for connection in self._connections:
            connection.close()

    def _interrupt(self) -> None:
        for connection in tuple(self._connections):
            with suppress(sqlite3.ProgrammingError):  # closed in the meantime
                connection.interrupt()


def _give_up(turn: Turn[Any]) -> None:
    if turn.give_up() and not turn.answer.done():
        turn.answer.set_exception(StatementRefused(f"database: its turn did not come within {GROUP_SECONDS:.0f} s"))


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # twice for each group
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _rows(cursor: sqlite3.Cursor) -> Rows:
    if cursor.description is None:
        return []
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
