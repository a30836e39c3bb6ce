"""Promise 8: four attempts and no more, crashes counted; one when trying again cannot help."""

import signal
from datetime import timedelta

import pytest

from devtools.seeds import claim
from devtools.world import World
from editqueue.domain.errors import BrokenPicture, StorageUnavailable
from editqueue.domain.jobs import RetryPolicy
from editqueue.ports.job_store import JobQuery
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.consumer.rescue import rescue
from tests.reliability.plan import Plan
from tests.reliability.processes import Processes
from tests.reliability.report import Tally
from tests.reliability.site import Site
from tests.reliability.size import sized

pytestmark = pytest.mark.reliability


async def _assert_failed(world: World, attempts: int) -> None:
    [job] = await world.jobs()
    [file] = await world.store.files([job.file_id])
    assert (job.status, job.attempts) == ("failed", attempts)
    assert (file.status, file.locked) == ("failed", False)
    assert [one.type for one in await world.notes()] == ["revision_required"]
    world.clock.advance(timedelta(days=1))
    assert await process_next(world.ports) is None


async def test_a_job_that_always_raises_ends_after_four_attempts(world: World) -> None:
    await world.submitted(1)
    world.images.error = StorageUnavailable("503")
    waits: list[float] = []

    while (outcome := await process_next(world.ports)) is not None and outcome.retry_in is not None:
        waits.append(outcome.retry_in.total_seconds())
        world.clock.advance(outcome.retry_in - timedelta(milliseconds=1))
        assert await process_next(world.ports) is None
        world.clock.advance(timedelta(milliseconds=1))

    assert waits == [15, 60, 240]
    await _assert_failed(world, 4)


async def test_a_job_that_always_kills_its_worker_ends_after_four_attempts(world: World) -> None:
    await world.submitted(1)

    for _ in range(4):
        await claim(world.store, world.clock.now())
        world.clock.advance(timedelta(minutes=16))
        assert await rescue(world.ports) == 1

    await _assert_failed(world, 4)


@pytest.mark.parametrize(("trouble", "attempts"), [("deadly", 4), ("away", 4), ("broken", 1)])
async def test_so_it_is_with_real_processes(
    site: Site, forks: Processes, tally: Tally, trouble: str, attempts: int
) -> None:
    async with site.open() as here:
        [file] = await here.submitted(1)
        for number in range(6):
            plan = Plan(
                task="consume", environment=site.environment(), moment=number * 7200, trouble=trouble, leaps=False
            )
            ended = await forks.run(plan)
            tally.kills += ended.code == -signal.SIGKILL
        [job] = await here.store.jobs(JobQuery())
        [after] = await here.store.files([file.id])
        notes = await here.store.notifications(site.user_id, limit=9, before_id=None)

    tally.jobs += 1
    assert (job.status, job.attempts, after.status, after.locked) == ("failed", attempts, "failed", False)
    assert [one.type for one in notes] == ["revision_required"]
    assert tally.kills == (4 if trouble == "deadly" else 0)


async def test_crashes_and_errors_are_counted_together(world: World) -> None:
    await world.submitted(1)
    world.images.error = StorageUnavailable("503")

    for _ in range(2):
        await claim(world.store, world.clock.now())
        world.clock.advance(timedelta(minutes=16))
        await rescue(world.ports)
        await process_next(world.ports)
        world.clock.advance(timedelta(minutes=16))

    await _assert_failed(world, 4)


async def test_a_permanent_error_ends_after_one(world: World) -> None:
    await world.submitted(1)
    world.images.error = BrokenPicture("kaputt")

    await process_next(world.ports)

    await _assert_failed(world, 1)


def test_the_waits_lie_in_the_band_whatever_chance_says() -> None:
    policy = RetryPolicy()
    steps = sized(100, 100_000)
    for attempts, middle in ((1, 15), (2, 60), (3, 240)):
        waits = [policy.delay(attempts, number / steps).total_seconds() for number in range(steps)]
        assert middle * 0.8 <= min(waits) <= max(waits) < middle * 1.2
