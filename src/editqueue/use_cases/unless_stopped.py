"""Work that ends when its consumer is told to stop."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

T = TypeVar("T")


async def unless_stopped(work: Awaitable[T], stop: asyncio.Event, *, grace: timedelta = timedelta(0)) -> T | None:
    """Wait for `work`, once `stop` is set not longer than `grace`; None if that was too short, which ends it."""
    task = asyncio.ensure_future(work)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([task], timeout=grace.total_seconds())
    finally:  # cancelled, too, it leaves no task behind
        await end_all([stopped] if task.done() else [stopped, task])
    return None if task.cancelled() else task.result()


async def end_all(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
