"""Worker processes that work until they are told to end, and what they wrote down."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

from bench.queues.queue import JOBS_AT_ONCE, Queue, Work
from bench.records import Records

PATIENCE = 60.0
"""Seconds until whatever was submitted must have happened."""
STARTING = 10.0
"""Seconds more for each process that has to start, all at the same time."""
LOOK = 0.005
"""Seconds between looks at what the workers wrote down."""
ENDING = 30.0
"""Seconds from SIGTERM to SIGKILL."""


class Overdue(Exception):
    """What was waited for has not happened."""


@dataclass(kw_only=True)
class Live:
    """A queue, its worker processes and their records."""

    queue: Queue
    work: Work
    records: Records
    processes: list[Process] = field(default_factory=list[Process])
    submitted: int = 0

    async def start(self, count: int = 1) -> None:
        command = self.queue.worker(self.work)
        for _ in range(count):
            with self.work.record.with_suffix(".err").open("ab") as err:
                self.processes.append(
                    await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", f"bench.workers.{command.module}", *command.arguments),
                        stdin=DEVNULL,
                        stdout=err,
                        stderr=err,
                        env={**os.environ, **command.environment},
                    )
                )

    async def submit(self, count: int) -> None:
        """The next `count` jobs, a hundred at a time."""
        for start in range(self.submitted, self.submitted + count, JOBS_AT_ONCE):
            await self.queue.submit(range(start, min(start + JOBS_AT_ONCE, self.submitted + count)))
        self.submitted += count

    async def warm_up(self) -> None:
        """Returns when every process has worked on a job; each takes seconds of the machine's processors to start."""
        patience = PATIENCE + STARTING * len(self.processes)
        async with asyncio.timeout(patience):
            while len(self.records.processes) < len(self.processes):
                await self.submit(JOBS_AT_ONCE)
                await self.drained(patience)

    def waiting(self) -> int:
        return self.submitted - self.records.count("ran")

    async def drained(self, patience: float = PATIENCE) -> None:
        """Returns when every job has run. Raises Overdue when none did for a while."""
        loop = asyncio.get_running_loop()
        before, until = self.waiting(), loop.time() + patience
        while (waiting := self.waiting()) > 0:
            if waiting < before:
                before, until = waiting, loop.time() + patience
            if loop.time() > until:
                raise Overdue(f"{self.queue.name}: {waiting} jobs still wait; see {self.work.record}*")
            await asyncio.sleep(LOOK)

    def stop(self) -> None:
        """The workers stand still where they are, and submitted jobs wait."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes:
            process.send_signal(number)

    async def end(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        await asyncio.gather(*(_ended(process) for process in self.processes))


@asynccontextmanager
async def live(queue: Queue, work: Work, *, processes: int = 1) -> AsyncGenerator[Live]:
    """Warm worker processes of `queue`, which end with the block."""
    made = Live(queue=queue, work=work, records=Records(path=work.record))
    try:
        await made.start(processes)
        await made.warm_up()
        yield made
    finally:
        await made.end()


@asynccontextmanager
async def all_live(pairs: Sequence[tuple[Queue, Work]], *, processes: int = 1) -> AsyncGenerator[list[Live]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(live(queue, work, processes=processes)) for queue, work in pairs]


async def _ended(process: Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), ENDING)
    except TimeoutError:
        process.kill()
        await process.wait()
