"""A database that nobody has analyzed yet, as every new one is for a while: its tables are not read whole."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import psycopg
import pytest

from devtools.databases import new_postgres
from devtools.seeds import NOON, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.opening.open_store import open_store

ROUNDS = 15
"""From its sixth run on, a prepared statement has a plan that the server keeps."""
FILES = 20
DEADLINE = 10


@pytest.fixture(name="url")
async def _url() -> AsyncIterator[str]:
    with new_postgres() as new:
        url = new()
        with psycopg.connect(url, autocommit=True) as connection:
            for table in ("edit_jobs", "files", "notifications"):
                connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
        yield url


async def test_plans_made_while_the_tables_were_new_do_not_read_them_whole_later(url: str) -> None:
    store = await open_store(url)
    files = await seed_files(store, await seed_order(store), FILES)
    for _ in range(ROUNDS):
        await submit(store, files)
        for started in await asyncio.gather(*(claim(store) for _ in files)):
            await store.finish(started, preview_url="r2://b/k", bytes_copied=1, now=NOON)
    assert await store.claim_next(now=NOON) is None
    await store.close()

    with psycopg.connect(url, autocommit=True) as connection:
        async with asyncio.timeout(DEADLINE):
            while _changed(connection) < ROUNDS * FILES:  # noqa: ASYNC110  # another process counts
                await asyncio.sleep(0.05)
        read = _read_whole(connection)
    assert read == {"edit_jobs": 0, "files": 0, "notifications": 0}


def _changed(connection: psycopg.Connection) -> int:
    """Jobs that the server has counted so far: a session reports when it ends, at the latest."""
    found = connection.execute("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'edit_jobs'")
    return int(found.fetchall()[0][0])


def _read_whole(connection: psycopg.Connection) -> Mapping[str, int]:
    """How many rows of each table were read without an index."""
    found = connection.execute(
        "SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE relname IN ('edit_jobs', 'files', 'notifications')"
    )
    return dict(found.fetchall())
