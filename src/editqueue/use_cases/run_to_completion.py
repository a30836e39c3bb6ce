"""What must end once it was begun, because the database may have changed already."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_to_completion(work: Coroutine[Any, Any, T], *, on_cancel: Callable[[], object] = lambda: None) -> T:
    """The result of `work`, which runs to its end however often the caller is cancelled meanwhile.

    Each cancellation calls `on_cancel`, so that `work` may hurry. After its end CancelledError is raised in place of
    its result or error.
    """
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
            on_cancel()
    if cancelled is not None:
        await asyncio.gather(task, return_exceptions=True)  # its error is seen, and gives way to the cancellation
        raise cancelled
    return task.result()
