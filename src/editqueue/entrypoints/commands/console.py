"""What commands share: signals, grace, and what is printed: lines or one JSON document."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

from editqueue.domain.errors import EditQueueError
from editqueue.entrypoints.consumer import GRACE, unless_stopped

T = TypeVar("T")


def print_json(document: object) -> None:
    print_line(json.dumps(document, default=str, ensure_ascii=False))


def print_line(text: str) -> None:
    """At once, so that a script that reads our output learns of it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def announce(text: str) -> None:
    """As `print_line`, for a person who need not be there: a stdout that is closed or full is no reason to end."""
    with suppress(AttributeError, OSError):  # sys.stdout is None if it was closed when Python started
        # Not through its buffer: what stays in there would fail once more when Python ends, with exit code 120.
        os.write(sys.stdout.fileno(), f"{text}\n".encode())


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
    """Wait as `unless_stopped` does for `work`, whose result is never None. Raises EditQueueError, saying `otherwise`,
    when `grace` was too short."""
    result = await unless_stopped(work, stop, grace=grace)
    if result is None:
        raise EditQueueError(otherwise)
    return result


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
