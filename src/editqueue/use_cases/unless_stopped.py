"""Work that ends when its consumer is told to stop."""

import asyncio
from collections.abc import Awaitable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class Stop(asyncio.Event):
    """Tells work of ours to end. Besides those who wait for it, it ends the time of those who work under a timer: a
    task that waits for it costs each job more than its claim."""

    def __init__(self) -> None:
        super().__init__()
        self._timers: set[asyncio.Timeout] = set()

    def set(self) -> None:
        super().set()
        for timer in self._timers:
            if not timer.expired():
                timer.reschedule(-1)

    @contextmanager
    def ending(self, timer: asyncio.Timeout) -> Generator[None]:
        """Inside of `timer`, whose time is up as soon as this is set."""
        self._timers.add(timer)
        try:
            yield
        finally:
            self._timers.discard(timer)


async def unless_stopped(work: Awaitable[T], stop: asyncio.Event, *, grace: timedelta = timedelta(0)) -> T | None:
    """Wait for `work`, once `stop` is set not longer than `grace`; None if that was too short, which ends it."""
    task = asyncio.ensure_future(work)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([task], timeout=grace.total_seconds())
    finally:  # cancelled, too, it leaves no task behind
        await end_all([stopped] if _is_over(task) else [stopped, task])
    return None if task.cancelled() else task.result()


async def within(seconds: float, work: Awaitable[T]) -> T:
    """What `work` returns. Raises TimeoutError, having ended it, if that takes longer; in a task that is being
    cancelled, too, where asyncio.timeout raises CancelledError on Python 3.11 before 3.11.4."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        if not _is_over(task):
            await end_all([task])
    if task.cancelled():
        raise TimeoutError
    return task.result()


def _is_over(task: asyncio.Future[Any]) -> bool:
    """Whether it is done. Its error counts as seen then: who is cancelled at that moment asks for no result, and
    asyncio would log the error as one that nobody knew of."""
    if not task.done():
        return False
    if not task.cancelled():
        task.exception()
    return True


async def end_all(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
