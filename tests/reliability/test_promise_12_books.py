"""Promise 12: after a run of everything that can happen, the books agree with the rows."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from devtools.seeds import claim, seed_files, seed_order
from devtools.world import FakeImages, World, keys_of, original
from editqueue.domain.errors import BrokenPicture, NoToolForFormat, StorageUnavailable
from editqueue.domain.files import File
from editqueue.domain.jobs import LEGAL_TRANSITIONS, JobStatus
from editqueue.entrypoints.consumer import Consumer
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.customer.delete_files import delete_files
from editqueue.use_cases.customer.submit_edits import submit_edits
from tests.reliability.size import sized

pytestmark = pytest.mark.reliability
EACH = sized(2, 50)


async def _mixed_run(world: World) -> list[File]:
    """Done, broken, missing, flaky, placeholder, crashed, handed back and deleted, EACH of every kind."""
    ports = world.ports
    order = await seed_order(world.store)
    files = [*await seed_files(world.store, order, 6 * EACH)]
    for file in files:
        await world.bucket.write(file.object_key, original(file), content_type="image/jpeg")
    for number, file in enumerate(files):
        error = {1: BrokenPicture("kaputt"), 3: StorageUnavailable("503"), 4: NoToolForFormat("raw")}.get(number % 6)
        if error is not None:
            world.images.errors[file.object_key] = error
        if number % 6 == 2:
            await world.bucket.delete([file.object_key])
    await submit_edits(
        [one.id for one in files], order_id=order.id, user_id="anna", express=False, notes=None, ports=ports
    )
    await delete_files([one.id for one in files[5::6]], user_id="anna", ports=world.ports)
    crashed = await claim(world.store)
    world.journal.transition(crashed.job, before=JobStatus.QUEUED, cause="claim")  # told, then died
    await _hand_one_back(world)
    world.clock.advance(timedelta(minutes=16))
    await Consumer(ports=ports, sweep_interval=timedelta(hours=1)).drain()
    return files


async def _hand_one_back(world: World) -> None:
    images = FakeImages()
    images.gate = asyncio.Event()
    working = asyncio.create_task(process_next(replace(world.ports, images=images)))
    await images.entered.wait()
    working.cancel()
    await asyncio.wait([working])


async def test_counts_are_rows(world: World) -> None:
    files = await _mixed_run(world)

    stats = await world.store.queue_stats(now=world.clock.now())
    rows = [one for one in await world.store.files([one.id for one in files]) if one.deleted_at is None]
    assert {name: n for name, n in stats.files.items() if n} == Counter(one.status.value for one in rows)
    assert {name: n for name, n in stats.jobs.items() if n} == Counter(one.status.value for one in await world.jobs())
    assert stats.jobs["done"] == 2 * EACH
    assert stats.jobs["failed"] == 4 * EACH
    assert stats.stale_locks == 0
    assert stats.oldest_eligible is None
    assert not await world.store.has_work()


async def test_every_transition_is_legal_and_told_once(world: World) -> None:
    await _mixed_run(world)

    for job in await world.jobs():
        told = [one for one in world.journal.moves if one.job_id == job.id]
        assert [told[0].before, told[0].after] == [None, JobStatus.QUEUED]
        assert {(one.before, one.after) for one in told[1:]} <= LEGAL_TRANSITIONS
        assert [one.before for one in told[1:]] == [one.after for one in told[:-1]]
        assert told[-1].after == job.status


async def test_every_ended_job_but_a_deleted_one_was_told_to_the_customer_once(world: World) -> None:
    await _mixed_run(world)

    told = Counter(one.job_id for one in await world.notes())
    expected = {one.id: 1 for one in await world.jobs() if one.error != "file deleted"}
    assert told == expected


async def test_exactly_the_done_files_have_a_preview(world: World) -> None:
    files = await _mixed_run(world)

    done = [one for one in await world.store.files([one.id for one in files]) if one.status == "done"]
    previews = {key for key in await world.objects() if "/preview/" in key}
    assert previews == {keys_of(one).preview for one in done}
