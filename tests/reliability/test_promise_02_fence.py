"""Promise 2: a worker that comes back after its job was given to another changes nothing any more."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from editqueue.domain.errors import BrokenPicture, StorageUnavailable
from editqueue.use_cases.process_job import process_next
from editqueue.use_cases.sweep import requeue_stale
from tests.fakes import FakeImages, World
from tests.reliability.steps import ONE_JOB, Steps

pytestmark = pytest.mark.reliability
AFTER_CLAIM = range(2, ONE_JOB)


async def _everything(world: World) -> object:
    jobs = await world.jobs()
    files = await world.store.files([one.file_id for one in jobs])
    return jobs, files, await world.notes(), await world.objects()


@pytest.mark.parametrize("error", [None, StorageUnavailable("503"), BrokenPicture("kaputt"), KeyError("a bug")])
@pytest.mark.parametrize("number", AFTER_CLAIM)
async def test_a_late_worker_changes_nothing(world: World, number: int, error: Exception | None) -> None:
    [file] = await world.submitted(1)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def stop_here() -> None:
        reached.set()
        await go_on.wait()

    images = FakeImages()
    images.error = error
    late = Steps(number, stop_here).around(replace(world.ports, images=images))
    first = asyncio.create_task(process_next(late))
    stopped = asyncio.create_task(reached.wait())
    await asyncio.wait([first, stopped], return_when=asyncio.FIRST_COMPLETED)
    if first.done():  # an attempt that fails takes fewer steps
        stopped.cancel()
        return
    settled = (await world.job(file)).status != "in_progress"
    world.clock.advance(timedelta(minutes=16))
    assert await requeue_stale(world.ports) == (0 if settled else 1)
    second = await process_next(world.ports)
    assert settled or (second is not None and second.result == "done")
    before = await _everything(world)

    go_on.set()
    outcome = await first

    assert outcome is not None
    assert settled or outcome.result == "claim_lost"
    assert await _everything(world) == before
    assert len(await world.notes()) == 1


async def test_an_attempt_has_as_many_steps_as_are_tested(world: World) -> None:
    await world.submitted(1)
    steps = Steps(0, asyncio.Event().wait)  # pyright: ignore[reportArgumentType]  # never called

    await process_next(steps.around(world.ports))

    assert steps.taken == ONE_JOB
