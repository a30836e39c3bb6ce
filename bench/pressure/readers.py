"""Customers who look at their orders, four hundred times a second, from a process of their own: do jobs start later?"""

import json
import sys
import time
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.live import Live, all_live
from bench.pickup import BLOCK, QUEUES, pickups, quantile
from bench.queues.ours import UnknownQueue
from bench.queues.queue import Queue, Work
from bench.side_by_side import side_by_side
from bench.sizes import size

RATE = 400
"""Reads a second."""
BLOCKS = size("READERS_BLOCKS", 5)
"""Of each queue, with readers and without; the first warms up."""


async def measure(folder: Path) -> list[Figure]:
    async with AsyncExitStack() as stack:
        queues = await _queues(stack, folder)
        works = [Work(record=folder / f"{number}.txt") for number in range(len(queues))]
        running = await stack.enter_async_context(all_live(list(zip(queues, works, strict=True))))
        return [await _compared(one) for one in running]


async def _queues(stack: AsyncExitStack, folder: Path) -> Sequence[Queue]:
    """With the best wake-up that this version has."""
    for kind in QUEUES:
        try:
            return await stack.enter_async_context(
                side_by_side(folder / kind, files=4 * BLOCK * (BLOCKS + 2), queue=kind)
            )
        except UnknownQueue:
            continue
    raise UnknownQueue(str(QUEUES))


async def _compared(one: Live) -> Figure:
    alone: list[float] = []
    beside: list[float] = []
    reads, took = 0, 0.0
    async with _reader(one.queue) as reader:
        for block in range(BLOCKS):
            quiet = await pickups(one, BLOCK)
            started = time.monotonic()
            await _tell(reader)
            busy = await pickups(one, BLOCK)
            told = await _told(reader)
            if block:
                alone += quiet
                beside += busy
                reads, took = reads + told["reads"], took + time.monotonic() - started
    return Figure(
        promise=27,
        what=f"{RATE} status reads/s beside: pickup p99 / without, {one.queue.name}",
        measured=quantile(beside, 0.99) / quantile(alone, 0.99),
        target=1.5 if one.queue.name == "ours" else None,
        unit="x",
        facts={
            "without_p99_ms": quantile(alone, 0.99),
            "beside_p99_ms": quantile(beside, 0.99),
            "without_p50_ms": quantile(alone, 0.5),
            "beside_p50_ms": quantile(beside, 0.5),
            "reads_per_s": reads / took,
        },
    )


@asynccontextmanager
async def _reader(queue: Queue) -> AsyncGenerator[Process]:
    words = ("-m", "bench.workers.reader", queue.name, queue.url, str(RATE))
    process = await create_subprocess_exec(sys.executable, *words, stdin=PIPE, stdout=PIPE)
    try:
        await _line(process)
        yield process
    finally:
        process.kill()
        await process.wait()


async def _tell(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    await process.stdin.drain()


async def _told(process: Process) -> Mapping[str, Any]:
    """End the reading; what it says of it."""
    await _tell(process)
    return await _line(process)


async def _line(process: Process) -> Mapping[str, Any]:
    assert process.stdout is not None
    told: Mapping[str, Any] = json.loads(await process.stdout.readline())
    return told
