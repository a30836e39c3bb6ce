"""Locks without a job in progress are reset, and only those."""

from pathlib import Path

from sqlalchemy import update

from devtools.databases import new_sqlite
from devtools.seeds import LATER, NOON, seed_files, seed_order
from devtools.world import make_ports
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.adapters.job_store.schema import files


async def test_a_lock_that_was_left_behind_is_reset_and_that_of_a_running_job_is_not(tmp_path: Path) -> None:
    url = new_sqlite(tmp_path)
    async with make_ports(tmp_path, url=url) as world:
        [left] = await seed_files(world.store, await seed_order(world.store), 1)
        [running] = await world.submitted(1)
        await world.store.claim_next(now=world.clock.now())
        await lock(url, left.id)

        released = await world.store.reset_stale_locks(now=world.clock.now())

        assert [*released] == [left.id]
        assert [(await world.file(file)).locked for file in (left, running)] == [False, True]
        assert await world.store.reset_stale_locks(now=world.clock.now()) == []


async def test_of_deleted_files_none_is_in_progress(tmp_path: Path) -> None:
    url = new_sqlite(tmp_path)
    async with make_ports(tmp_path, url=url) as world:
        deleted, queued = await seed_files(world.store, await seed_order(world.store), 2)
        await put(url, deleted.id, status="in_progress")
        await put(url, queued.id, status="queued")
        await world.store.delete_files([deleted.id], user_id="anna", now=NOON)

        stats = await world.store.queue_stats(now=NOON)

        assert (stats.stale_locks, stats.files["queued"], stats.files["in_progress"]) == (0, 1, 0)
        assert await world.store.reset_stale_locks(now=NOON) == []


async def test_what_an_attempt_left_of_a_file_whose_lock_was_reset_expires_like_that_of_others(tmp_path: Path) -> None:
    url = new_sqlite(tmp_path)
    async with make_ports(tmp_path, url=url) as world:
        [left] = await seed_files(world.store, await seed_order(world.store), 1)
        await lock(url, left.id)
        await world.store.reset_stale_locks(now=NOON)

        due = await world.store.begin_expiry(finished_before=LATER, abandoned_before=NOON, limit=9, now=LATER)

        assert [expiry.file.id for expiry in due] == [left.id]


async def lock(url: str, file_id: str) -> None:
    """As a consumer that died and a job that somebody removed by hand leave it."""
    await put(url, file_id, status="in_progress", locked=True)


async def put(url: str, file_id: str, **facts: object) -> None:
    database = open_database(url)
    await database.run(once(update(files).where(files.c.id == file_id).values(**facts)))
    await database.close()
