"""Everything at once on the same few files: no deadlock, no lost lock, one answer."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from devtools.databases import NewDatabase, empty_database, new_postgres
from devtools.patience import PATIENCE
from devtools.seeds import LATER, NOON, URL, claim, seed_files, seed_order, seed_upload, submit
from editqueue.adapters.job_store.opening.open_store import migrate_schema, open_store
from editqueue.adapters.job_store.opening.revisions import newest_revision
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import ClaimLost
from editqueue.domain.files import File, FileStatus, Order
from editqueue.domain.ids import new_id
from editqueue.domain.jobs import JobStatus
from editqueue.ports.job_store import JobQuery, Renaming
from tests.reliability.size import sized

ROUNDS = sized(10, 300)
"""Of each actor. Without the one order of locks, PostgreSQL breaks a deadlock about every fifteenth."""


@dataclass(frozen=True)
class Crowd:
    """Several consumers and API processes, as far as the database can tell: each store has its own connections."""

    stores: list[SqlStore]
    order: Order
    files: list[File]
    chance: random.Random

    def some(self) -> list[str]:
        return [one.id for one in self.chance.sample(self.files, self.chance.randint(1, 8))]

    async def submits(self, store: SqlStore) -> None:
        ids = self.some()
        made = await store.submit(ids, order_id=self.order.id, user_id="anna", express=False, notes="neu", now=NOON)
        assert {job.file_id for job in made.jobs} == set(ids), "an answer that lacks a file"
        assert all(job.status in {JobStatus.QUEUED, JobStatus.IN_PROGRESS} for job in made.jobs)

    async def works(self, store: SqlStore) -> None:
        taken = await store.claim_next(now=LATER)
        if taken is None:
            return
        endings: list[Callable[[], Awaitable[None]]] = [
            lambda: store.finish(taken, preview_url=URL, bytes_copied=1, now=LATER),
            lambda: store.fail(taken, error="e", message="{name}", file_status=FileStatus.FAILED, now=LATER),
            lambda: store.retry_later(taken, error="e", run_after=NOON, now=LATER),
            lambda: store.release(taken, now=LATER),
        ]
        with suppress(ClaimLost):  # the sweep below takes every claim for stale
            await self.chance.choice(endings)()

    async def sweeps(self, store: SqlStore) -> None:
        soon = LATER + timedelta(seconds=1)
        await store.rescue(started_before=soon, max_retries=3, message="{name}", now=LATER)

    async def marks(self, store: SqlStore) -> None:
        await store.mark_files(self.some(), user_id="anna", marked=True, now=NOON)

    async def renames(self, store: SqlStore) -> None:
        names = [Renaming(file_id=one, old_name="bild.jpg", ver=1, new_name="bild.jpg") for one in self.some()]
        await store.rename_files(names, user_id="anna", now=NOON)

    async def revises(self, store: SqlStore) -> None:
        await store.revise(self.chance.choice(self.files).id, user_id="anna", note="heller", now=NOON)

    async def deletes(self, store: SqlStore) -> None:
        fresh = await seed_files(store, self.order, 2)
        await submit(store, fresh)
        await store.delete_files([one.id for one in fresh], user_id="anna", now=NOON)

    async def resets(self, store: SqlStore) -> None:
        assert await store.reset_stale_locks(now=NOON) == []

    async def expires(self, store: SqlStore) -> None:
        long_ago = LATER + timedelta(days=1)
        due = await store.begin_expiry(finished_before=long_ago, abandoned_before=NOON, limit=5, now=LATER)
        for one in due:
            await store.settle_expiry(one, now=LATER)


@pytest.fixture(name="crowd")
async def _crowd(new_database: NewDatabase) -> AsyncIterator[Crowd]:
    url = new_database()
    stores = [await open_store(url) for _ in range(3)]
    order = await seed_order(stores[0])
    files = [*await seed_files(stores[0], order, 12)]
    yield Crowd(stores, order, files, random.Random(4))
    for one in stores:
        await one.close()
    _assert_no_deadlock(url)


def _assert_no_deadlock(url: str) -> None:
    """The server counts those it broke, so that one that was broken and tried again does not go unseen."""
    if url.startswith("postgresql"):
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            assert found.fetchone() == (0,)


async def test_everybody_at_once_neither_deadlocks_nor_breaks_the_books(crowd: Crowd) -> None:
    actors = [crowd.submits, crowd.works, crowd.works, crowd.works, crowd.sweeps, crowd.sweeps, crowd.marks]
    actors += [crowd.renames, crowd.revises, crowd.deletes, crowd.resets, crowd.expires, crowd.submits]

    async def act(actor: Callable[[SqlStore], Awaitable[None]], number: int) -> None:
        for _ in range(ROUNDS):
            await actor(crowd.stores[number % len(crowd.stores)])

    await asyncio.gather(*(act(actor, number) for number, actor in enumerate(actors)))

    await _assert_books(crowd)


async def _assert_books(crowd: Crowd) -> None:
    """Locked <=> in progress, one active job for each waiting file, one notification for each told end."""
    store = crowd.stores[0]
    jobs = await store.jobs(JobQuery(limit=100_000))
    files = {one.id: one for one in await store.files([job.file_id for job in jobs])}
    active = {one.file_id: one for one in jobs if one.status in {JobStatus.QUEUED, JobStatus.IN_PROGRESS}}
    running = {one.file_id for one in active.values() if one.status is JobStatus.IN_PROGRESS}
    notes = await store.notifications("anna", limit=100_000, before_id=None)

    assert len(active) == sum(one.status in {JobStatus.QUEUED, JobStatus.IN_PROGRESS} for one in jobs)
    assert {one.id for one in files.values() if one.locked} == running
    assert {key for key, one in files.items() if one.status in {FileStatus.QUEUED, FileStatus.IN_PROGRESS}} == {
        *active,
        *(key for key, one in files.items() if one.deleted_at is not None),
    }
    assert sorted(one.job_id for one in notes) == sorted(
        one.id for one in jobs if one.finished_at is not None and one.error != "file deleted"
    )


async def test_two_sweeps_at_once_requeue_every_stale_job_once(crowd: Crowd) -> None:
    store = crowd.stores[0]
    await submit(store, crowd.files)
    for _ in crowd.files:
        await claim(store)

    swept = await asyncio.gather(
        *(one.rescue(started_before=LATER, max_retries=3, message="{name}", now=LATER) for one in crowd.stores * 3)
    )

    taken = [job.id for jobs in swept for job in jobs]
    assert (len(taken), len(set(taken))) == (12, 12)
    again = [await claim(store, LATER) for _ in crowd.files]
    assert {one.job.attempts for one in again} == {2}
    await asyncio.gather(
        *(
            one.rescue(started_before=LATER + timedelta(hours=1), max_retries=1, message="{name}", now=LATER)
            for one in crowd.stores * 3
        )
    )
    assert len(await store.notifications("anna", limit=100, before_id=None)) == 12
    assert await store.count_files(crowd.order.id) == {FileStatus.FAILED: 12}


async def test_claims_of_one_process_do_not_take_each_others_jobs(crowd: Crowd) -> None:
    """64 at a time is the largest EDITQUEUE_CONCURRENCY; the pool has far fewer connections."""
    store = crowd.stores[0]
    await submit(store, crowd.files)

    taken = await asyncio.gather(*(store.claim_next(now=NOON) for _ in range(64)))

    ids = [one.job.id for one in taken if one is not None]
    assert (len(ids), len(set(ids))) == (12, 12)


async def test_a_submit_that_waits_for_a_finish_answers_with_what_it_left(crowd: Crowd) -> None:
    """Whoever comes second sees the other's end: an active job comes back, an ended one makes room for a new one."""
    store, other, _ = crowd.stores
    for file in crowd.files:
        [first] = await submit(store, [file])
        taken = await claim(store)

        [answer], _ = await asyncio.gather(
            submit(other, [file]), store.finish(taken, preview_url=URL, bytes_copied=1, now=NOON)
        )

        job = await store.job(answer)
        assert job is not None
        assert job.status is (JobStatus.DONE if answer == first else JobStatus.QUEUED)
        if answer != first:
            await store.delete_files([file.id], user_id="anna", now=NOON)


async def test_finalizes_of_one_upload_that_wait_for_each_other_leave_no_gap_in_the_index() -> None:
    with new_postgres() as new:
        url = new()
        stores = [await open_store(url) for _ in range(2)]
        order = await seed_order(stores[0])
        upload = await seed_upload(stores[0], order)

        with psycopg.connect(url) as other:
            other.execute("SELECT id FROM orders FOR UPDATE")
            adding = [
                asyncio.create_task(one.add_file(new_id(), upload=upload, size=7, exif_meta=None, now=NOON))
                for one in stores
            ]
            await _until_waiting(url, len(adding))
        first, second = await asyncio.gather(*adding)
        [next_one] = await seed_files(stores[0], order, 1)

        assert first == second
        assert (first.index, next_one.index) == (1, 2)
        for one in stores:
            await one.close()


async def _until_waiting(url: str, count: int) -> None:
    """Until so many sessions wait for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with psycopg.connect(url, autocommit=True) as asking:
        async with asyncio.timeout(PATIENCE):
            while asking.execute(waiting).fetchone() != (count,):  # noqa: ASYNC110  # the server waits
                await asyncio.sleep(0.01)


async def test_two_migrations_at_once_make_one_schema(tmp_path: Path) -> None:
    with empty_database("postgresql", tmp_path) as url:
        revisions = await asyncio.gather(*(migrate_schema(url) for _ in range(4)))

        assert set(revisions) == {newest_revision()}
        store = await open_store(url)
        assert await store.order(new_id()) is None
        await store.close()
