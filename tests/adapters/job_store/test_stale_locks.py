"""Locks without a job in progress are reset, and only those."""

from pathlib import Path

from sqlalchemy import update

from devtools.databases import new_sqlite
from devtools.seeds import seed_files, seed_order
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


async def lock(url: str, file_id: str) -> None:
    """As a consumer that died and a job that somebody removed by hand leave it."""
    database = open_database(url)
    left = update(files).where(files.c.id == file_id).values(status="in_progress", locked=True)
    await database.run(once(left))
    await database.close()
