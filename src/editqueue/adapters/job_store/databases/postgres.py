"""PostgreSQL through psycopg: a group of statements is one round trip."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, NullPool, text
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

from editqueue.adapters.job_store.databases.database import GROUP_SECONDS, Rows
from editqueue.adapters.job_store.databases.database_url import DatabaseUrl
from editqueue.adapters.job_store.databases.engine import EngineDatabase, closing
from editqueue.adapters.job_store.databases.postgres_connection import Query
from editqueue.adapters.job_store.databases.postgres_errors import QueryFailed, errors_translated
from editqueue.adapters.job_store.databases.postgres_pool import PostgresPool
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.domain.errors import StorageUnavailable

T = TypeVar("T")
DIALECT: Final = psycopg_dialect.dialect(paramstyle="numeric_dollar")

TRIES = 3
"""At a group that PostgreSQL ended in favour of another (our order of locks leaves no deadlock we know of), or whose
session was ended before it began."""
CLOSING_SECONDS = 1.0
"""For each of two steps when the database is closed: groups under way end, the others are cancelled. What hangs even
then is cut off."""

PROBE = """
WITH jobs AS (UPDATE edit_jobs SET status = status WHERE FALSE), locks AS (UPDATE files SET locked = locked WHERE FALSE)
SELECT clock_timestamp() AS now
"""
"""Changes no row, but takes the locks that every change of the tables needs, and is refused where nothing can be
written: on a standby, in a server that was made read-only."""


@cache
def _probe() -> Template:
    return Template(text(PROBE))


class PostgresDatabase(EngineDatabase):
    """`Database` on a PostgreSQL server; a group takes at most `command_seconds` from when it was asked for,
    waiting for a connection included; None lets it take as long as it likes."""

    def __init__(self, url: DatabaseUrl, *, command_seconds: float | None = GROUP_SECONDS) -> None:
        self._url = url
        self._seconds = command_seconds and (url.command_seconds or command_seconds)
        self._running: set[asyncio.Task[Any]] = set()
        self._closing = False
        self._pool = PostgresPool(url.options, prepares=url.prepares)

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        """A group decides nothing in between, so that it may simply start over."""
        queries = [statement.compiled(DIALECT) for statement in statements]
        with errors_translated():
            return await self._in_time(self._run(queries))

    async def _run(self, queries: Sequence[Query]) -> Sequence[Rows]:
        for _ in range(TRIES - 1):
            try:
                return await self._pool.run(queries)
            except QueryFailed as error:
                if not error.may_start_over:
                    raise
        return await self._pool.run(queries)

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

    async def _probe(self) -> datetime:
        [[row]] = await self.run(_probe().bind())
        return row["now"]

    async def with_connection(self, work: Callable[[Connection], T]) -> T:
        return await self._in_time(self._with_connection(work))

    async def _with_connection(self, work: Callable[[Connection], T]) -> T:
        # only here: SQLAlchemy's sessions come along, and take longer to import than everything else of it
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

        engine = create_async_engine(
            "postgresql+psycopg://",
            hide_parameters=True,  # an error goes into the log; what customers write does not
            poolclass=NullPool,
            connect_args={**self._url.options, "prepare_threshold": None},
        )
        async with engine.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        self._closing = True
        await _some_time(self._running)
        for task in self._running:
            task.cancel()
        await _some_time(self._running)  # the server is asked to end their statements, too
        self._pool.close()
        await _some_time(self._running)


async def _some_time(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait until all have ended, but not longer than CLOSING_SECONDS."""
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSING_SECONDS)
