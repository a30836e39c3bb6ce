"""PostgreSQL through asyncpg: groups of statements, and single ones without detours."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection, Executable, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from editqueue.adapters.job_store.databases.database import GROUP_SECONDS, Rows, StatementRefused
from editqueue.adapters.job_store.databases.database_url import DatabaseUrl
from editqueue.adapters.job_store.databases.engine import EngineDatabase, closing, first_line, rows_of
from editqueue.domain.errors import StorageUnavailable

T = TypeVar("T")

POOL_SIZE, POOL_OVERFLOW = 5, 10
"""Connections kept, and more of them for a while, in one process. A group holds one for milliseconds, so that
64 jobs at a time (the largest EDITQUEUE_CONCURRENCY) and an API do not wait for each other."""
TRIES_AT_A_DEADLOCK = 3
CLOSING_SECONDS = 1.0
"""For each of three steps when the database is closed: groups under way end, the others are cancelled, connections take
their leave. What hangs even then is cut off."""
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it shuts down
    asyncpg.InsufficientResourcesError,
    DBAPIError,  # connecting failed
    PoolTimeout,
    OSError,
    asyncpg.InternalClientError,  # the server ended the connection in the middle of an answer
)
"""What no other statement would get round."""
_DEFECTS = ("0A", "21", "22", "42")
"""SQLSTATE classes: not supported, wrong number of rows, wrong value, wrong syntax or name."""
_TAKEN_AWAY = {"42501", "42P01", "42P05"}
"""Of those, a right or a table that was there when the store was opened, which whoever took it away can give back; and
a prepared statement of somebody else's behind a proxy that shares connections."""
_ROLLED_BACK = {"40001", "40P01"}
"""PostgreSQL ended the transaction in favour of another (serialization, deadlock), and nothing was changed."""

PROBE = """
WITH jobs AS (UPDATE edit_jobs SET status = status WHERE FALSE), locks AS (UPDATE files SET locked = locked WHERE FALSE)
SELECT clock_timestamp()
"""
"""Changes no row, but takes the locks that every change of the tables needs, and is refused where nothing can be
written: on a standby, in a server that was made read-only."""


class PostgresDatabase(EngineDatabase):
    """`Database` on a PostgreSQL server; a group takes at most `command_seconds` from when it was asked for,
    waiting for a connection included; None lets it take as long as it likes."""

    def __init__(self, url: DatabaseUrl, *, command_seconds: float | None = GROUP_SECONDS) -> None:
        self._seconds = command_seconds
        self._running: set[asyncio.Task[Any]] = set()
        self._connections: set[asyncpg.Connection] = set()
        self._closing = False
        self._engine = create_async_engine(
            url.url,
            hide_parameters=True,  # as in sqlite.py
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=GROUP_SECONDS,
            connect_args={"command_timeout": command_seconds} | dict(url.options),
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        event.listen(self._engine.sync_engine, "connect", self._remember)

    def _remember(self, connection: Any, _record: object) -> None:
        self._connections = {known for known in self._connections if not known.is_closed()}
        self._connections.add(connection.driver_connection)

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns, unless it takes too long. Whoever is cancelled or late goes at once; what was begun is
        cancelled and ends by itself, which a server that does not answer draws out."""
        if self._closing:
            work.close()
            raise closing()
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            await asyncio.wait([task], timeout=self._seconds)
        finally:
            if not task.done():
                task.cancel()
        if not task.done():
            raise StorageUnavailable(f"database: no answer within {self._seconds} s")
        if task.cancelled():
            raise closing()
        return task.result()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked has gone; else they get it, too

    async def _run(self, statements: Sequence[Executable]) -> Sequence[Rows]:
        """A group decides nothing in between, so that it may simply start over. So it does, too, when the very first
        statement finds the connection gone, which is how a server's restart shows itself."""
        return await self._in_time(_unless_rolled_back(partial(self._run_once, statements)))

    async def _run_once(self, statements: Sequence[Executable]) -> Sequence[Rows]:
        async with self._engine.begin() as connection:
            try:
                first = await connection.execute(statements[0])
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise _LostAtOnce(error.statement, error.params, error.orig or error) from error
                raise
            return [rows_of(first), *[rows_of(await connection.execute(statement)) for statement in statements[1:]]]

    def _is_defect(self, error: DBAPIError) -> bool:
        return error.orig is not None and _is_defect(error.orig.__cause__)

    async def fetch(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        """The rows of one statement, a transaction of its own; it counts its parameters $1, $2 ...

        Raises StatementRefused when the database is there and refuses it for now, else as `run` does; a defect comes
        out as the driver's own error.
        """
        try:
            return await self._in_time(_unless_rolled_back(partial(self._fetch_once, query, values)))
        except asyncpg.IntegrityConstraintViolationError as error:
            raise IntegrityError(query, values, error) from error
        except _AWAY as error:
            raise StorageUnavailable(f"database: {first_line(error)}") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if _is_defect(error):
                raise
            raise StatementRefused(f"database: {first_line(error)}") from error

    async def _fetch_once(self, query: str, values: Sequence[object]) -> Sequence[asyncpg.Record]:
        async with self._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            return await driver.fetch(query, *values)

    async def _probe(self) -> datetime:
        [row] = await self.fetch(PROBE)
        return row[0]

    async def with_connection(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        self._closing = True
        await _some_time(self._running)
        for task in self._running:
            task.cancel()
        await _some_time(self._running)  # the server is asked to end their statements, too
        await _some_time([asyncio.create_task(connection.close()) for connection in self._connections])
        for connection in self._connections:
            connection.terminate()
        await _some_time(self._running)
        await self._engine.dispose()


def _is_defect(error: BaseException | None) -> bool:
    """Of the driver's own error. Values of a wrong type, which it refuses to send, have a state of class 22, too."""
    if isinstance(error, asyncpg.InvalidCachedStatementError):  # somebody changed a table; it is prepared anew
        return False
    state = str(getattr(error, "sqlstate", None))
    return state[:2] in _DEFECTS and state not in _TAKEN_AWAY


class _LostAtOnce(DBAPIError):
    """The connection was gone before the group began."""


async def _unless_rolled_back(transaction: Callable[[], Awaitable[T]]) -> T:
    """Run it, and again when PostgreSQL broke a deadlock at its cost: our order of locks leaves none we know of."""
    for _ in range(TRIES_AT_A_DEADLOCK - 1):
        try:
            return await transaction()
        except (DBAPIError, asyncpg.PostgresError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if not isinstance(error, _LostAtOnce) and getattr(cause, "sqlstate", None) not in _ROLLED_BACK:
                raise
    return await transaction()


async def _some_time(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait until all have ended, but not longer than CLOSING_SECONDS."""
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSING_SECONDS)


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Let the pool replace a connection that the server has ended. Asking the server each time, as SQLAlchemy's
    pre-ping does, takes three round trips; asyncpg knows without any."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server has closed the connection")
