"""PostgreSQL through asyncpg: groups of statements, and single ones without detours."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection, Executable, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from editqueue.adapters.job_store.databases.database import Rows, StatementRefused
from editqueue.adapters.job_store.databases.database_url import COMMAND_SECONDS, DatabaseUrl
from editqueue.adapters.job_store.databases.engine import EngineDatabase, first_line, rows_of
from editqueue.domain.errors import StorageUnavailable

T = TypeVar("T")

POOL_SIZE, POOL_OVERFLOW = 5, 10
"""Connections kept, and more of them for a while, in one process. A group holds one for milliseconds, so that
64 jobs at a time (the largest EDITQUEUE_CONCURRENCY) and an API do not wait for each other."""
TRIES_AT_A_DEADLOCK = 3
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it shuts down
    asyncpg.InsufficientResourcesError,
    DBAPIError,  # connecting failed
    PoolTimeout,
    OSError,
)
"""What no other statement would get round."""
_DEFECTS = ("0A", "21", "22", "42")
"""SQLSTATE classes: not supported, wrong number of rows, wrong value, wrong syntax or name."""
_TAKEN_AWAY = {"42501", "42P01", "42P05"}
"""Of those, a right or a table that was there when the store was opened, which whoever took it away can give back; and
a prepared statement of somebody else's behind a proxy that shares connections."""
_ROLLED_BACK = {"40001", "40P01"}
"""PostgreSQL ended the transaction in favour of another (serialization, deadlock), and nothing was changed."""


class PostgresDatabase(EngineDatabase):
    """`Database` on a PostgreSQL server; `command_seconds` None lets a statement take as long as it likes."""

    def __init__(self, url: DatabaseUrl, *, command_seconds: float | None = COMMAND_SECONDS) -> None:
        self._engine = create_async_engine(
            url.url,
            hide_parameters=True,  # as in sqlite.py
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=30,
            connect_args={"command_timeout": command_seconds} | dict(url.options),
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)

    async def _run(self, statements: Sequence[Executable]) -> Sequence[Rows]:
        """A group decides nothing in between, so that it may simply start over. So it does, too, when the very first
        statement finds the connection gone, which is how a server's restart shows itself."""
        return await _unless_rolled_back(partial(self._run_once, statements))

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
            return await _unless_rolled_back(partial(self._fetch_once, query, values))
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

    async def with_connection(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
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


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Let the pool replace a connection that the server has ended. Asking the server each time, as SQLAlchemy's
    pre-ping does, takes three round trips; asyncpg knows without any."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server has closed the connection")
