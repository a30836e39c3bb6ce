"""A fresh SQLite store with an order, for a bench that leaves nothing behind."""

import os
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from editqueue.adapters.job_store.databases.database import Database, Rows
from editqueue.adapters.job_store.databases.statement import Statement, once
from editqueue.adapters.job_store.opening.open_store import migrate_schema, open_database
from editqueue.adapters.job_store.schema import files
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.files import Order
from editqueue.domain.ids import new_id

NOW = datetime(2026, 11, 24, tzinfo=UTC)
USER = "bench"


def in_memory() -> str | None:
    """A folder that no disk stands behind, for tempfile; None where there is none, and the disk is measured, too."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class CountingDatabase:
    """Counts the statements of every group."""

    def __init__(self, inner: Database) -> None:
        self.inner = inner
        self.statements = 0

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        self.statements += len(statements)
        return await self.inner.run(*statements)

    async def probe(self) -> datetime:
        return await self.inner.probe()

    async def close(self) -> None:
        await self.inner.close()


@asynccontextmanager
async def scratch_database() -> AsyncGenerator[CountingDatabase]:
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        url = f"sqlite:///{Path(folder)}/bench.db"
        await migrate_schema(url)
        database = CountingDatabase(open_database(url))
        try:
            yield database
        finally:
            await database.close()


async def add_order(store: SqlStore) -> str:
    order = Order(id=new_id(), user_id=USER, title="", shootcode="BENCH1", notes=None, created_at=NOW)
    await store.create_order(order)
    return order.id


async def add_files(database: CountingDatabase, order_id: str, count: int, *, status: str = "uploaded") -> list[str]:
    """Marked files, straight into the table: making them is not what is measured."""
    ids = [new_id() for _ in range(count)]
    moment = round(NOW.timestamp() * 1000)
    for start in range(0, count, 500):
        rows = [
            {
                "id": file_id,
                "order_id": order_id,
                "user_id": USER,
                "object_key": f"user/{USER}/orders/{order_id}/raw/{file_id}.jpg",
                "name": "bild.jpg",
                "mime": "image/jpeg",
                "bytes": 1,
                "position": start + number,
                "ver": 1,
                "status": status,
                "locked": False,
                "marked": True,
                "approved": False,
                "created_at": moment,
                "updated_at": moment,
            }
            for number, file_id in enumerate(ids[start : start + 500], start=1)
        ]
        await database.run(once(insert(files).values(rows)))
    return ids
