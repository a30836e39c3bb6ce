"""SIGTERM during `editqueue sweep`: nothing new is begun, and what cannot be finished is handed back."""

import asyncio
import os
import signal
from datetime import timedelta

import pytest

from devtools.world import World
from editqueue.domain.errors import EditQueueError
from editqueue.entrypoints.commands.console import stop_on_signals, within_grace
from editqueue.use_cases.consumer.sweep import sweep

HOUR = timedelta(hours=1)


async def test_within_the_grace_the_running_job_is_finished_and_no_other_begun(world: World) -> None:
    files = await world.submitted(3)
    world.images.gate = asyncio.Event()
    stop = asyncio.Event()
    with stop_on_signals(stop, backstop=lambda: None):
        sweeping = asyncio.create_task(within_grace(sweep(world.ports, stopped=stop.is_set), stop, grace=HOUR))
        await world.images.entered.wait()

        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        world.images.gate.set()
        report = await sweeping

    assert report.processed == 1
    assert sorted([(await world.file(one)).status for one in files]) == ["done", "queued", "queued"]


async def test_after_it_the_job_is_handed_back_unspent(world: World) -> None:
    [file] = await world.submitted(1)
    world.images.gate = asyncio.Event()
    stop = asyncio.Event()
    sweeping = asyncio.create_task(within_grace(sweep(world.ports, stopped=stop.is_set), stop, grace=timedelta(0)))
    await world.images.entered.wait()

    stop.set()
    with pytest.raises(EditQueueError, match="handed back"):
        await sweeping

    job = await world.job(file)
    assert (job.status, job.attempts, (await world.file(file)).locked) == ("queued", 0, False)


async def test_without_a_signal_it_ends_as_it_would(world: World) -> None:
    await world.submitted(3)

    report = await within_grace(sweep(world.ports), asyncio.Event(), grace=timedelta(0))

    assert report.processed == 3
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_is_not_hidden() -> None:
    async def fail() -> None:
        raise EditQueueError("the database is gone")

    with pytest.raises(EditQueueError, match="the database is gone"):
        await within_grace(fail(), asyncio.Event())
