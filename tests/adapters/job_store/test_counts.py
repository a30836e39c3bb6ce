"""The counts that are kept are those of the rows, whatever changes them: the store, or somebody by hand."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from sqlalchemy import text

from devtools.databases import NewDatabase
from devtools.history import Size, load
from devtools.scratch import NOW
from devtools.seeds import LATER, NOON, claim, seed_files, seed_order, submit
from devtools.tour import Tour
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database, open_store
from editqueue.adapters.job_store.statements.counts import MANY
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.files import FileStatus
from editqueue.domain.jobs import JobStatus

JOBS, FILES = (
    "SELECT status, count(*) AS n FROM edit_jobs GROUP BY status",
    ("SELECT status, count(*) AS n FROM files WHERE deleted_at IS NULL GROUP BY status"),
)


@pytest.fixture(name="url")
def _url(new_database: NewDatabase) -> str:
    return new_database()


@pytest.fixture(name="store")
async def _store(url: str) -> AsyncIterator[SqlStore]:
    opened = await open_store(url)
    yield opened
    await opened.close()


async def run(url: str, *statements: str) -> Mapping[str, int]:
    """What the last of them says of each status."""
    database = open_database(url)
    try:
        *_, rows = await database.run(*(once(text(statement)) for statement in statements))
    finally:
        await database.close()
    return {row["status"]: int(row["n"]) for row in rows}


async def check(url: str, store: SqlStore) -> None:
    stats = await store.queue_stats(now=LATER)
    jobs, files = await run(url, JOBS), await run(url, FILES)
    assert stats.jobs == {status.value: jobs.get(status, 0) for status in JobStatus}
    assert stats.files == {status.value: files.get(status, 0) for status in FileStatus}


async def test_after_every_method_of_the_store(url: str) -> None:
    database = open_database(url)
    await load(database, Size(finished=200, queued=40, files=100), moment=round(NOW.timestamp() * 1000))
    await database.close()
    store = await open_store(url)
    await check(url, store)

    await Tour(store=store, before=lambda _: None, gone="nobody").go()

    await check(url, store)
    await store.close()


async def test_along_the_way_of_a_file(url: str, store: SqlStore) -> None:
    one, other, third = files = await seed_files(store, await seed_order(store), 3)
    await check(url, store)
    await submit(store, files)
    await check(url, store)
    taken = [await claim(store) for _ in files]
    await check(url, store)
    await store.finish(taken[0], preview_url="r2://b/k", bytes_copied=1, now=NOON)
    await store.fail(taken[1], error="e", message="m", file_status=FileStatus.FAILED, now=NOON)
    await store.retry_later(taken[2], error="e", run_after=LATER, now=NOON)
    await check(url, store)
    await store.revise(one.id, user_id="anna", note="heller", now=NOON)
    await store.retry_job(taken[1].job.id, now=NOON)
    await check(url, store)
    await store.delete_files([other.id, third.id], user_id="anna", now=NOON)
    await check(url, store)
    await store.claim_next(now=NOON)
    await store.rescue(started_before=LATER, max_retries=0, message="m", now=LATER)
    await check(url, store)


async def test_after_changes_by_hand(url: str, store: SqlStore) -> None:
    files = await seed_files(store, await seed_order(store), 3)
    await submit(store, files[:2])
    await claim(store)

    await run(url, "DELETE FROM edit_jobs WHERE status = 'in_progress'", JOBS)
    await check(url, store)
    assert (await store.queue_stats(now=NOON)).stale_locks == 1
    assert len(await store.reset_stale_locks(now=NOON)) == 1
    await check(url, store)
    assert (await store.queue_stats(now=NOON)).stale_locks == 0
    await run(url, "DELETE FROM edit_jobs", "DELETE FROM files", JOBS)
    await check(url, store)


async def add_up(store: SqlStore) -> None:
    """As every consumer and every sweep does by the way."""
    await store.rescue(started_before=NOON, max_retries=3, message="{name}", now=NOON)


async def test_sessions_that_add_the_counts_up_at_once_lose_none(url: str) -> None:
    stores = [await open_store(url) for _ in range(4)]

    async def work(store: SqlStore) -> None:
        order = await seed_order(store)
        for _ in range(5):
            await submit(store, await seed_files(store, order, 1))
            await store.finish(await claim(store), preview_url="r2://b/k", bytes_copied=1, now=NOON)
            await add_up(store)

    await asyncio.gather(*map(work, stores))
    await add_up(stores[0])
    await check(url, stores[0])
    assert (await run(url, "SELECT 'rows' AS status, count(*) AS n FROM counts"))["rows"] <= MANY
    for store in stores:
        await store.close()
