"""A consumer of ours as `editqueue consume --drain` runs it, told by the environment.

Arguments: a key to warm up on; "no-copies" if the store's copy is to cost its round trips and nothing else on this
machine, like that of a store elsewhere.
"""

import asyncio
import os
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil

from bench.workers.protocol import Report, when_told
from bench.workers.timed_journal import TimedJournal
from editqueue.adapters.journal.background_output import BackgroundOutput
from editqueue.adapters.journal.metrics import Metrics
from editqueue.entrypoints.consumer import Consumer
from editqueue.ports.bucket import Bucket
from editqueue.settings import load_settings
from editqueue.wiring.server import open_server


class FreeCopies:
    """A bucket that answers a copy after one round trip without making one."""

    def __init__(self, inner: Bucket) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        del target, etag
        await self._inner.head(source)


async def main(warm_key: str, *, copies: bool) -> None:
    settings = load_settings()
    with Path(os.devnull).open("w") as log:  # noqa: ASYNC230  # before anything is measured
        async with open_server(settings) as server:
            journal = TimedJournal(Metrics(), BackgroundOutput(log.fileno()))
            bucket = server.ports.bucket if copies else FreeCopies(server.ports.bucket)
            ports = replace(server.ports, journal=journal, bucket=bucket)  # pyright: ignore[reportArgumentType]  # the rest by name
            await asyncio.gather(*(ports.images.make_preview(warm_key) for _ in range(settings.concurrency)))
            consumer = Consumer(ports=ports, sweep_interval=timedelta(hours=1), concurrency=settings.concurrency)

            async def work() -> Report:
                before, started = cpu_seconds(), time.time()
                await consumer.drain()
                return {
                    "started": started,
                    "ended": journal.last,
                    "done": journal.done,
                    "tree_cpu_seconds": cpu_seconds() - before,
                    "peak_mb": peak_mb(),
                }

            await when_told(work)


def everyone() -> list[psutil.Process]:
    """This process, its image workers and their fork server."""
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def cpu_seconds() -> float:
    return sum(one.user + one.system for one in (process.cpu_times() for process in everyone()))


def peak_mb() -> float:
    """The sum of each one's own peak, so at least what they had together at any moment."""
    return sum(_peak_kb(one.pid) for one in everyone()) / 1024


def _peak_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], copies="no-copies" not in sys.argv))
