"""Promise 2: a worker that comes back after its job was given to another changes nothing any more."""

import asyncio
from datetime import timedelta

import pytest

from devtools.world import World
from editqueue.domain.errors import BrokenPicture, StorageUnavailable
from editqueue.use_cases.consumer.process_job import process_next
from tests.reliability.late_worker import RIVALS, Rival, late_worker
from tests.reliability.steps import ONE_JOB, Steps

pytestmark = pytest.mark.reliability
AFTER_CLAIM = range(2, ONE_JOB)


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("error", [None, StorageUnavailable("503"), BrokenPicture("kaputt"), KeyError("a bug")])
async def test_a_late_worker_changes_nothing(world: World, error: Exception | None, rival: Rival) -> None:
    violations: list[str] = []
    for number in AFTER_CLAIM:
        violations += await late_worker(world, number, error, rival)
        await _clear(world)

    assert violations == []


async def _clear(world: World) -> None:
    """What an attempt that was over too soon has left, so that the next one meets its own job."""
    world.clock.advance(timedelta(hours=1))
    while await process_next(world.ports) is not None:
        pass


async def test_an_attempt_has_as_many_steps_as_are_tested(world: World) -> None:
    await world.submitted(1)
    steps = Steps(0, asyncio.Event().wait)  # pyright: ignore[reportArgumentType]  # never called

    await process_next(steps.around(world.ports))

    assert steps.taken == ONE_JOB
