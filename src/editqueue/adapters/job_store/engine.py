"""The driver for SQLite (aiosqlite) and PostgreSQL (asyncpg) on SQLAlchemy's async engine."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from sqlalchemy import Executable, event
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql import Select

from editqueue.adapters.job_store import database_url
from editqueue.adapters.job_store.database import Rows
from editqueue.adapters.job_store.database_url import COMMAND_SECONDS
from editqueue.domain.errors import StorageUnavailable

BUSY_TIMEOUT_MS = 60_000
"""How long a SQLite writer waits for the others; 16 processes at work wait well under a second."""
CHECKPOINT_PAGES = 4000
"""16 MB of WAL between checkpoints. At SQLite's 1,000 every hundredth claim paid for one, and the more the larger the
database: claim p99 at a million jobs was 1.6 x that at a thousand (bench growth)."""
WAL_TRIES, WAL_PAUSE = 250, 0.02
"""Tries and seconds between them: five seconds for a switch that takes milliseconds."""
POOL_SIZE, POOL_OVERFLOW = 5, 10
"""Connections kept, and more of them for a while, in one process. A group holds one for milliseconds, so that
64 jobs at a time (the largest EDITQUEUE_CONCURRENCY) and an API do not wait for each other."""
TRIES_AT_A_DEADLOCK = 3
_ROLLED_BACK = {"40001", "40P01"}
"""SQLSTATEs of a transaction that PostgreSQL ended in favour of another: nothing was changed."""


def create_engine(url: str, *, command_seconds: float | None = COMMAND_SECONDS) -> AsyncEngine:
    """An engine for `sqlite:///path` or `postgresql://...`. Raises SetupError for any other URL or option."""
    parsed = database_url.parse(url)
    if parsed.is_sqlite:
        engine = create_async_engine(parsed.url, isolation_level="AUTOCOMMIT", pool_size=4)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        return engine
    engine = create_async_engine(
        parsed.url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=30,
        connect_args={"command_timeout": command_seconds} | dict(parsed.options),
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


class _LostAtOnce(DBAPIError):
    """The connection was gone before the group began."""


class EngineDatabase:
    """`Database` over an async engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        # SQLite has one writer; waiting for our own turn here is cheaper than its busy handler.
        self._turn = asyncio.Lock()

    async def run(self, *statements: Executable) -> Sequence[Rows]:
        try:
            return await self._run(statements)
        except IntegrityError:
            raise
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise StorageUnavailable(f"database: {first_line(error)}") from error

    async def _run(self, statements: Sequence[Executable]) -> Sequence[Rows]:
        """Run the group, and again when PostgreSQL broke a deadlock at its cost: our order of locks leaves none
        that we know of, and a group decides nothing in between, so that it may simply start over. So it does when
        the very first statement finds the connection gone, which is how a server's restart shows itself."""
        for _ in range(TRIES_AT_A_DEADLOCK - 1):
            try:
                return await self._run_once(statements)
            except DBAPIError as error:
                if not _rolled_back(error):
                    raise
        return await self._run_once(statements)

    async def _run_once(self, statements: Sequence[Executable]) -> Sequence[Rows]:
        writes = not all(isinstance(one, Select) for one in statements)
        async with (
            self._turn if self._sqlite and writes else nullcontext(),
            self._transaction(writes=writes) as connection,
        ):
            first = _rows(await _opened_by(connection, statements[0]))
            return [first, *[_rows(await connection.execute(one)) for one in statements[1:]]]

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(self, *, writes: bool) -> AsyncGenerator[AsyncConnection]:
        if not self._sqlite:
            async with self._engine.begin() as connection:
                yield connection
            return
        async with self._engine.connect() as connection:
            # A deferred BEGIN that turns into a write fails at once when somebody else wrote: measured at
            # up to 450,000 instant SQLITE_BUSY; IMMEDIATE queues up instead.
            await connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
            try:
                yield connection
                await connection.exec_driver_sql("COMMIT")
            except BaseException:
                if not connection.invalidated:  # a cancelled statement costs the connection, and with it the group
                    await connection.exec_driver_sql("ROLLBACK")
                raise


async def _opened_by(connection: AsyncConnection, statement: Executable) -> CursorResult[Any]:
    try:
        return await connection.execute(statement)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _LostAtOnce(error.statement, error.params, error.orig or error) from error
        raise


def _rolled_back(error: DBAPIError) -> bool:
    return isinstance(error, _LostAtOnce) or getattr(error.orig, "sqlstate", None) in _ROLLED_BACK


def _rows(result: CursorResult[Any]) -> Rows:
    return [dict(row) for row in result.mappings()] if result.returns_rows else []


def first_line(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).splitlines() or [type(cause).__name__])[0]


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Let the pool replace a connection that the server has ended. Asking the server each time, as SQLAlchemy's
    pre-ping does, takes three round trips; asyncpg knows without any."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server has closed the connection")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor: sqlite3.Cursor = connection.cursor()
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
