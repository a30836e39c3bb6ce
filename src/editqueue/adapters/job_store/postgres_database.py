"""PostgreSQL without detours: one statement, one round trip."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from editqueue.adapters.job_store.database import StatementRefused
from editqueue.adapters.job_store.engine import TRIES_AT_A_DEADLOCK, EngineDatabase, first_line
from editqueue.domain.errors import StorageUnavailable

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it shuts down
    asyncpg.InsufficientResourcesError,
    DBAPIError,  # connecting failed
    PoolTimeout,
    OSError,
)
"""What no other statement would get round."""
_ROLLED_BACK = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class PostgresDatabase(EngineDatabase):
    async def fetch(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        """The rows of one statement, a transaction of its own; it counts its parameters $1, $2 ...

        Raises StatementRefused when the database is there and will not have it, else as `run` does.
        """
        try:
            return await self._fetch(query, values)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise IntegrityError(query, values, error) from error
        except _AWAY as error:
            raise StorageUnavailable(f"database: {first_line(error)}") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StatementRefused(f"database: {first_line(error)}") from error

    async def _fetch(self, query: str, values: Sequence[object]) -> Sequence[asyncpg.Record]:
        """Starts over when PostgreSQL broke a deadlock at its cost, as `run` does."""
        for _ in range(TRIES_AT_A_DEADLOCK - 1):
            try:
                return await self._fetch_once(query, values)
            except _ROLLED_BACK:
                continue
        return await self._fetch_once(query, values)

    async def _fetch_once(self, query: str, values: Sequence[object]) -> Sequence[asyncpg.Record]:
        async with self._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            return await driver.fetch(query, *values)
