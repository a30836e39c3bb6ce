"""The race of promise 2: A stops somewhere, its job goes to B, A goes on. What A changed then is a violation."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from devtools.world import FakeImages, World, keys_of, original, preview_of
from editqueue.domain.files import File
from editqueue.ports import Ports
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.consumer.rescue import rescue
from editqueue.use_cases.consumer.verdict import End
from tests.reliability.steps import Steps

Rival = Literal["has finished", "is at work"]
RIVALS: tuple[Rival, ...] = ("has finished", "is at work")


class Stopped:
    """A worker that stops before its step `number`, until it is told to go on."""

    def __init__(self, ports: Ports, number: int) -> None:
        self._reached, self._go_on = asyncio.Event(), asyncio.Event()
        self.work = asyncio.create_task(self._run(Steps(number, self._stop).around(ports)))

    async def stopped(self) -> bool:
        """Whether it ever came to that step."""
        reached = asyncio.create_task(self._reached.wait())
        await asyncio.wait([self.work, reached], return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        return not self.work.done()

    async def end(self) -> End | None:
        self._go_on.set()
        return await self.work

    def _run(self, ports: Ports) -> Coroutine[Any, Any, End | None]:
        return process_next(ports)

    async def _stop(self) -> None:
        self._reached.set()
        await self._go_on.wait()


async def too_old(world: World) -> None:
    """The worker's job is given to others because it has run too long."""
    world.clock.advance(timedelta(minutes=16))
    await rescue(world.ports)


async def late_worker(
    world: World,
    number: int,
    error: Exception | None,
    rival: Rival,
    *,
    loses: Callable[[World], Awaitable[None]] = too_old,
) -> list[str]:
    """What a worker changed that came back too late, after it `loses` its job. Its attempt ends in `error`; it stops
    before step `number`."""
    [file] = await world.submitted(1)
    images = FakeImages()
    images.error = error
    late = Stopped(replace(world.ports, images=images), number)
    if not await late.stopped() or (await world.job(file)).status != "in_progress":
        await late.end()
        return []  # an attempt that fails takes fewer steps
    await loses(world)
    second = Stopped(world.ports, 2 if rival == "is at work" else 0)
    if rival == "has finished":
        await second.end()
    else:
        await second.stopped()
    rows, objects = await _rows(world), await world.objects()
    outcome = await late.end()
    found = [] if await _rows(world) == rows else [f"at step {number} the late worker changed a row"]
    if rival == "has finished" and await world.objects() != objects:
        found.append(f"at step {number} the late worker changed an object")
    if outcome is None or outcome.result != "claim_lost":
        found.append(f"at step {number} the late worker was told {outcome}")
    last = await second.end()
    if last is None or last.result != "done":
        found.append(f"at step {number} the rival was told {last}")
    return found + [f"at step {number} {one}" for one in await _unlike_one_run(world, file)]


async def _unlike_one_run(world: World, file: File) -> list[str]:
    notes = [one for one in await world.notes() if one.file_id == file.id]
    objects, keys = await world.objects(), keys_of(file)
    found = [] if len(notes) == 1 else [f"there are {len(notes)} notifications"]
    for key, body in ((keys.processed, original(file)), (keys.preview, preview_of(keys.raw).body)):
        if objects.get(key) != hashlib.sha256(body).hexdigest():
            found.append(f"{key} is not what one worker alone makes")
    return found


async def _rows(world: World) -> object:
    jobs = await world.jobs()
    return jobs, await world.store.files([one.file_id for one in jobs]), await world.notes()
