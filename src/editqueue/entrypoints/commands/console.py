"""What commands share: work on the database, signals, and what is printed: lines or one JSON document."""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from editqueue.domain.errors import EditQueueError
from editqueue.entrypoints.consumer import GRACE
from editqueue.ports.job_store import JobStore
from editqueue.settings import load_settings
from editqueue.wiring.server import open_job_store

T = TypeVar("T")


def on_the_store(work: Callable[[JobStore], Awaitable[T]]) -> T:
    """Open the database that the settings name, do `work`, close it."""

    async def run() -> T:
        async with open_job_store(load_settings()) as store:
            return await work(store)

    return asyncio.run(run())


def print_json(document: object) -> None:
    print_line(json.dumps(document, default=str, ensure_ascii=False))


def print_line(text: str) -> None:
    """At once, so that a script that reads our output learns of it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_facts(facts: Mapping[str, object]) -> None:
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print_line(f"{name.ljust(width)}  {'-' if value is None else value}")


async def within_grace(
    work: Coroutine[Any, Any, T],
    stop: asyncio.Event,
    *,
    grace: timedelta = GRACE,
    otherwise: str = "ended by a signal; the running job was handed back",
) -> T:
    """Wait for `work`; once `stop` is set not longer than `grace`. Raises EditQueueError when that was too short,
    saying `otherwise`."""
    task = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    await asyncio.wait([task], timeout=grace.total_seconds())
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if task.cancelled():
        raise EditQueueError(otherwise)
    return task.result()


@contextmanager
def stop_on_signals(stop: asyncio.Event) -> Generator[None]:
    """SIGTERM and Ctrl-C set `stop` instead of ending the process in the middle of a job."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
