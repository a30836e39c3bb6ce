"""What the databases on SQLAlchemy engines have in common: SQLite's and PostgreSQL's, not D1's."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from editqueue.adapters.job_store.databases.database import Rows
from editqueue.domain.errors import StorageUnavailable

T = TypeVar("T")


class EngineDatabase(ABC):
    """`Database` over an engine."""

    @property
    @abstractmethod
    def dialect(self) -> Dialect: ...

    async def run(self, *statements: Executable) -> Sequence[Rows]:
        try:
            return await self._run(statements)
        except IntegrityError:
            raise
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise StorageUnavailable(f"database: {first_line(error)}") from error

    @abstractmethod
    async def _run(self, statements: Sequence[Executable]) -> Sequence[Rows]: ...

    @abstractmethod
    async def with_connection(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, given a connection; it ends its own transaction. Errors are those of SQLAlchemy."""
        ...

    @abstractmethod
    async def close(self) -> None: ...


def rows_of(result: CursorResult[Any]) -> Rows:
    return [dict(row) for row in result.mappings()] if result.returns_rows else []


def first_line(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).splitlines() or [type(cause).__name__])[0]
