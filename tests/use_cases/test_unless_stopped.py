"""A stop ends the time of those who work under a timer."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from editqueue.use_cases.unless_stopped import Stop, unless_stopped, within


async def test_work_under_a_timer_ends_with_the_stop() -> None:
    stop = Stop()

    async def work() -> None:
        async with asyncio.timeout(60) as timer:
            with stop.ending(timer):
                await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    stop.set()

    with pytest.raises(TimeoutError):
        await working


async def test_work_whose_time_is_up_already_is_not_disturbed() -> None:
    stop, leaving, go_on = Stop(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with asyncio.timeout(0) as timer:
            with stop.ending(timer):
                try:
                    await asyncio.Event().wait()
                finally:
                    leaving.set()
                    await go_on.wait()

    working = asyncio.create_task(work())
    await leaving.wait()
    stop.set()
    stop.set()
    go_on.set()

    with pytest.raises(TimeoutError):
        await working


async def test_a_stop_after_the_work_changes_nothing() -> None:
    stop = Stop()
    async with asyncio.timeout(60) as timer:
        with stop.ending(timer):
            pass
        stop.set()
        await asyncio.sleep(0)

    assert stop.is_set()


async def test_what_takes_too_long_is_a_timeout_in_a_task_that_is_being_cancelled_too() -> None:
    async def leave() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with pytest.raises(TimeoutError):
                await within(0, asyncio.Event().wait())
            return "left in order"
        return "was never cancelled"

    task = asyncio.create_task(leave())
    await asyncio.sleep(0)
    task.cancel()

    assert await task == "left in order"


async def _unless_stopped(work: Coroutine[Any, Any, None]) -> None:
    await unless_stopped(work, asyncio.Event(), grace=timedelta(hours=1))


async def _within(work: Coroutine[Any, Any, None]) -> None:
    await within(3600, work)


@pytest.mark.parametrize("wait_for", [_unless_stopped, _within])
async def test_an_error_at_the_moment_of_the_cancellation_is_not_logged_as_one_that_nobody_knew_of(
    wait_for: Callable[[Coroutine[Any, Any, None]], Coroutine[Any, Any, None]],
) -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    begun, go_on, has_failed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def fails() -> None:
        begun.set()
        await go_on.wait()
        has_failed.set()
        raise OSError

    waiting = asyncio.create_task(wait_for(fails()))
    await begun.wait()
    go_on.set()
    await has_failed.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    del waiting
    await asyncio.sleep(0)
    gc.collect()

    assert complaints == []
