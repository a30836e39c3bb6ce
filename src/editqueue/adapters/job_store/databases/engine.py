"""What SQLite and PostgreSQL have in common, and D1 has not: a probe with an end of its own, and a way for Alembic."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from editqueue.adapters.job_store.databases.database import PROBE_SECONDS, Rows
from editqueue.adapters.job_store.databases.statement import Statement
from editqueue.domain.errors import StorageUnavailable

T = TypeVar("T")


class EngineDatabase(ABC):
    """`Database` that SQLAlchemy connects to, too."""

    @abstractmethod
    async def run(self, *statements: Statement) -> Sequence[Rows]: ...

    async def probe(self) -> datetime:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                return await self._probe()
        except TimeoutError as error:
            raise StorageUnavailable(f"database: cannot be written within {PROBE_SECONDS:.0f} s") from error

    @abstractmethod
    async def _probe(self) -> datetime: ...

    @abstractmethod
    async def with_connection(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, given a connection; it ends its own transaction. Errors are those of SQLAlchemy."""
        ...

    @abstractmethod
    async def close(self) -> None: ...


def closing() -> StorageUnavailable:
    """What whoever still asks a database is told once it is being closed."""
    return StorageUnavailable("database: it is being closed")
