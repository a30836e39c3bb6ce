"""What commands share: signals, grace, and what is printed: lines or one JSON document."""

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from editqueue.domain.errors import EditQueueError
from editqueue.entrypoints.commands.backstop import as_json, as_text, end_by_force
from editqueue.entrypoints.consumer import GRACE
from editqueue.use_cases.unless_stopped import unless_stopped

T = TypeVar("T")
ENDING: Final = (signal.SIGTERM, signal.SIGINT)
TEXT_BACKSTOP: Final = partial(end_by_force, wording=as_text)
JSON_BACKSTOP: Final = partial(end_by_force, wording=as_json)
"""For commands that write their log to stderr, as long as they live."""


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
def stop_on_signals(stop: asyncio.Event, *, backstop: Callable[[], None] = TEXT_BACKSTOP) -> Generator[None]:
    """SIGTERM and Ctrl-C set `stop` instead of ending the process in the middle of a job.

    The first of them also begins `backstop`, in a daemon thread: an event loop that is blocked hears of no signal.
    """
    heard, tell = socket.socketpair()
    tell.settimeout(0)
    watch = threading.Thread(target=_watch, args=(heard, asyncio.get_running_loop(), stop, backstop), daemon=True)
    watch.start()
    before = signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, _leave_it_to_the_thread) for number in ENDING}
    for number in ENDING:
        signal.siginterrupt(number, False)  # noqa: FBT003  # the standard library takes it by position
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        tell.close()


def _leave_it_to_the_thread(_number: int, _frame: object) -> None:
    """Python runs this in the main thread, when that is free; what counts has been written to the thread by then."""


def _watch(
    heard: socket.socket, loop: asyncio.AbstractEventLoop, stop: asyncio.Event, backstop: Callable[[], None]
) -> None:
    """Wait for the number of one of our signals, or for the end of those that write them.

    `heard` stays open until then: Python complains on stderr of each later signal that it cannot write.
    """
    with heard:
        while numbers := heard.recv(1):
            if numbers[0] in ENDING:
                with suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(stop.set)
                backstop()
