"""What the databases on SQLAlchemy engines have in common: SQLite's and PostgreSQL's, not D1's."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from editqueue.adapters.job_store.databases.database import PROBE_SECONDS, Rows
from editqueue.domain.errors import StorageUnavailable

T = TypeVar("T")


class EngineDatabase(ABC):
    """`Database` over an engine."""

    async def run(self, *statements: Executable) -> Sequence[Rows]:
        with self._errors_translated():
            return await self._run(statements)

    async def probe(self) -> datetime:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                with self._errors_translated():
                    return await self._probe()
        except TimeoutError as error:
            raise StorageUnavailable(f"database: cannot be written within {PROBE_SECONDS:.0f} s") from error

    @contextmanager
    def _errors_translated(self) -> Generator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeout, OSError) as error:
            if isinstance(error, IntegrityError) or (isinstance(error, DBAPIError) and self._is_defect(error)):
                raise
            raise StorageUnavailable(f"database: {first_line(error)}") from error
        except StatementError as error:
            # SQLAlchemy's wrapping of what our own code raised while parameters were prepared.
            raise error.orig or error from None

    @abstractmethod
    async def _run(self, statements: Sequence[Executable]) -> Sequence[Rows]: ...

    @abstractmethod
    async def _probe(self) -> datetime: ...

    @abstractmethod
    def _is_defect(self, error: DBAPIError) -> bool:
        """Whether the statement or a value was wrong, so that no other time or connection would help."""
        ...

    @abstractmethod
    async def with_connection(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, given a connection; it ends its own transaction. Errors are those of SQLAlchemy."""
        ...

    @abstractmethod
    async def close(self) -> None: ...


def closing() -> StorageUnavailable:
    """What whoever still asks a database is told once it is being closed."""
    return StorageUnavailable("database: it is being closed")


def rows_of(result: CursorResult[Any]) -> Rows:
    return [dict(row) for row in result.mappings()] if result.returns_rows else []


def first_line(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).splitlines() or [type(cause).__name__])[0]
