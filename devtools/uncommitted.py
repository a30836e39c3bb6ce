"""A group of statements on PostgreSQL with a moment before its commit, which the store's own pipelines have not."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.postgres_connection import Query


@asynccontextmanager
async def uncommitted(
    options: Mapping[str, Any], queries: Sequence[Query]
) -> AsyncGenerator[tuple[Sequence[Rows], psycopg.AsyncRawCursor[dict[str, Any]]]]:
    """The rows of each query, and a cursor in the same transaction. It is committed when the block ends."""
    async with await psycopg.AsyncConnection.connect("", **options) as connection:
        cursor = psycopg.AsyncRawCursor(connection, row_factory=dict_row)
        rows: list[Rows] = []
        for sql, values in queries:
            await cursor.execute(sql.encode(), values)
            rows.append(await cursor.fetchall() if cursor.description else [])
        yield rows, cursor
