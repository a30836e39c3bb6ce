"""A process that was told to end does end: though its event loop is blocked, though nobody reads its stderr."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime

import pytest

from devtools.patience import PATIENCE
from editqueue.adapters.job_queue.cloudflare.queue import CLOSING
from editqueue.entrypoints.commands.backstop import KERNELS_TURN, LONGEST_END, SAYING_SO
from editqueue.entrypoints.consumer import GRACE, LEAVING

BLOCKED = """
import asyncio, ctypes, os, sys
from functools import partial
from editqueue.entrypoints.commands import backstop
from editqueue.entrypoints.commands.console import stop_on_signals

library = ctypes.CDLL(None)
mutex = ctypes.create_string_buffer(64)

async def main():
    wording = getattr(backstop, sys.argv[1])
    with stop_on_signals(asyncio.Event(), backstop=partial(backstop.end_by_force, wording=wording, after=0.2)):
        if sys.argv[2] == "full":
            os.set_blocking(2, False)
            try:
                while True:
                    os.write(2, b"x" * 65536)
            except BlockingIOError:
                os.set_blocking(2, True)
        print("ready", flush=True)
        library.pthread_mutex_lock(mutex)
        library.pthread_mutex_lock(mutex)  # never comes back, and no signal ends it

asyncio.run(main())
"""
HEARS = """
import asyncio
from editqueue.entrypoints.commands.console import stop_on_signals

async def main():
    stop = asyncio.Event()
    with stop_on_signals(stop):
        print("ready", flush=True)
        await stop.wait()
    print("ended by itself", flush=True)

asyncio.run(main())
"""

HEARS_TWICE = """
import asyncio, sys
from editqueue.entrypoints.commands.console import stop_on_signals

async def main():
    stop = asyncio.Event()
    with stop_on_signals(stop):
        print("ready", flush=True)
        await stop.wait()
        print("stopping", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


@contextmanager
def ready(script: str, *words: str) -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", script, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_whose_event_loop_is_blocked_ends_in_time_and_says_so(number: signal.Signals) -> None:
    with ready(BLOCKED, "as_json", "empty") as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    told = json.loads(errors)
    assert (told["event"], told["level"]) == ("ended_by_force", "error")
    assert datetime.fromisoformat(told["timestamp"]).tzinfo is not None


def test_a_command_for_people_says_it_as_one_line() -> None:
    with ready(BLOCKED, "as_text", "empty") as process:
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE)

    assert errors == b"editqueue: told to end 0.2 s ago, and something would not let go: ended by force\n"


def test_it_ends_though_nobody_reads_its_stderr() -> None:
    with ready(BLOCKED, "as_json", "full") as process:
        process.terminate()

        assert process.wait(timeout=PATIENCE) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_ends_by_himself_is_not_ended_by_force(number: signal.Signals) -> None:
    with ready(HEARS) as process:
        os.kill(process.pid, number)
        said, errors = process.communicate(timeout=PATIENCE)

    assert (process.returncode, said, errors) == (0, b"ended by itself\n", b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_told_twice_says_nothing_about_it(number: signal.Signals) -> None:
    with ready(HEARS_TWICE) as process:
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stdout.readline() == b"stopping\n"
        process.send_signal(number)
        _, errors = process.communicate(b"\n", timeout=PATIENCE)

    assert (process.returncode, errors) == (0, b"")


def test_the_backstop_comes_after_every_grace_and_before_anybody_kills_us() -> None:
    assert GRACE.total_seconds() + LEAVING + CLOSING < LONGEST_END
    assert LONGEST_END + SAYING_SO < LONGEST_END + KERNELS_TURN < 45
