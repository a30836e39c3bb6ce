"""Worker processes that are all ready before the first one starts."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

Report = Mapping[str, Any]


class WorkerFailed(Exception):
    """A worker process ended without its report."""


async def run_workers(
    module: str, arguments: Sequence[str], *, count: int = 1, environment: Mapping[str, str] | None = None
) -> list[Report]:
    """What `count` processes of `python -m bench.workers.MODULE` report, started at the same moment."""
    return await run_commands([sys.executable, "-m", f"bench.workers.{module}", *arguments], count, environment)


async def run_commands(
    command: Sequence[str], count: int = 1, environment: Mapping[str, str] | None = None
) -> list[Report]:
    """The same for any program that keeps to bench/workers/protocol.py."""
    async with _running(command, count, environment or {}) as workers:
        await asyncio.gather(*(_answer(one) for one in workers))
        for one in workers:
            _stdin(one).write(b"go\n")
        return await asyncio.gather(*(_answer(one) for one in workers))


@asynccontextmanager
async def _running(
    command: Sequence[str], count: int, environment: Mapping[str, str]
) -> AsyncGenerator[Sequence[Process]]:
    env = {**os.environ, **environment}
    workers = [
        await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=env, limit=2**26)
        for _ in range(count)
    ]
    try:
        yield workers
    finally:
        for one in workers:
            if one.returncode is None:
                _stdin(one).close()
        await asyncio.gather(*(_ended(one) for one in workers))


async def _ended(worker: Process) -> None:
    try:
        await asyncio.wait_for(worker.wait(), 15)
    except TimeoutError:
        worker.kill()
        await worker.wait()


async def _answer(worker: Process) -> Report:
    assert worker.stdout is not None
    line = await worker.stdout.readline()
    if not line:
        raise WorkerFailed(f"a worker process ended with exit code {await worker.wait()}; its error is above")
    report: Report = json.loads(line)
    return report


def _stdin(worker: Process) -> asyncio.StreamWriter:
    assert worker.stdin is not None
    return worker.stdin
