"""Promise 28: a database that dies and comes back, connections that are cut or not to be had, consumers that are killed
or stopped; ours beside procrastinate and pgqueuer, all three at once, on the same PostgreSQL and under the same blows.

Jobs take a tenth of a second and do nothing, so that the machine is not what limits the rate. A process that ends is
started again, as a supervisor does. The leases of all three are shortened, so that a stop can be longer than each.
"""

import asyncio
import signal
import tempfile
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Figure
from bench.live import Live
from bench.queues.by_pgqueuer import pgqueuer_queue
from bench.queues.by_procrastinate import procrastinate_queue
from bench.queues.ours import our_queue
from bench.queues.queue import JOBS_AT_ONCE, Queue, Work
from bench.records import Event, Records
from bench.sizes import size
from devtools.own_postgres import OwnPostgres, own_postgres
from editqueue.adapters.job_store.opening.open_store import migrate_schema

JOBS = size("CHAOS_JOBS", 14_000)
"""More than are worked on until the last blow is over."""
JOB_SECONDS = 0.1
PROCESSES, AT_A_TIME = 2, 4
LEASE = 6.0
"""Seconds of silence after which a worker's jobs are given to others, in all three."""
STEADY = 4.0
"""Seconds of undisturbed work before each blow."""
LONGEST_RECOVERY = 8.0
"""Seconds after each blow; a longer recovery is told as this one."""
STARTING = 60.0
"""Seconds until the processes that were started again after a blow work."""
WINDOW = 0.5
"""Seconds over which a rate is taken."""
ENOUGH = 0.9
"""Of the rate before a blow."""
PATIENCE = 60.0
"""Seconds without any progress, after all blows, until what is left counts as lost."""
CUTS, KILLS = size("CHAOS_CUTS", 10), size("CHAOS_KILLS", 4)
KILL_EVERY = 3.0


@dataclass(kw_only=True)
class Supervised:
    """A queue with its workers, which are started again when they end."""

    live: Live
    killed: set[int] = field(default_factory=set[int])
    exits: int = 0
    """Workers that ended by themselves after they had worked."""

    async def supervise(self) -> None:
        while True:
            for process in [one for one in self.live.processes if one.returncode is not None]:
                self.live.processes.remove(process)
                self.exits += process.pid in self.live.records.processes and process.pid not in self.killed
                await self.live.start()
            await asyncio.sleep(0.1)

    async def rescue(self) -> None:
        """What users of the queue have to do themselves, every second."""
        while True:
            with suppress(Exception):  # the database may be away; the next second comes
                await self.live.queue.rescue(LEASE)
            await asyncio.sleep(1)

    def at_work(self) -> list[Process]:
        """Those that have worked, the oldest first; the others are only starting."""
        self.live.records.refresh()
        return [one for one in self.live.processes if one.returncode is None and one.pid in self.live.records.processes]

    def kill_one(self) -> None:
        """Not the last one: how soon others take over its jobs is asked, not how soon a process starts."""
        at_work = self.at_work()
        if len(at_work) > 1:
            self.killed.add(at_work[0].pid)
            at_work[0].kill()

    def left(self) -> int:
        self.live.records.refresh()
        return self.live.submitted - len(self.live.records.ran)

    def runs(self) -> list[Event]:
        return [event for event in self.live.records.events if event.kind == "ran"]


class RanOut(Exception):
    """There were too few jobs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Blow:
    name: str
    began: float
    over: float
    """When the database answered again, or the last process was hit."""


Strike = Callable[[OwnPostgres, Sequence[Supervised]], Awaitable[float]]
"""Returns when it was over, as of time.time()."""


async def _restart(server: OwnPostgres, workers: Sequence[Supervised]) -> float:
    del workers
    await asyncio.to_thread(server.crash)
    await asyncio.to_thread(server.start)
    return time.time()


async def _cut_every_second(server: OwnPostgres, workers: Sequence[Supervised]) -> float:
    del workers
    for _ in range(CUTS - 1):
        await asyncio.to_thread(server.end_connections)
        await asyncio.sleep(1)
    await asyncio.to_thread(server.end_connections)
    return time.time()


async def _exhaust(server: OwnPostgres, workers: Sequence[Supervised]) -> float:
    del workers

    def hold() -> None:
        with server.full():
            time.sleep(5)

    await asyncio.to_thread(hold)
    return time.time()


async def _kill_every_three_seconds(server: OwnPostgres, workers: Sequence[Supervised]) -> float:
    del server
    for number in range(KILLS):
        if number:
            await asyncio.sleep(KILL_EVERY)
        for one in workers:
            one.kill_one()
    return time.time()


async def _stop_for_longer_than_a_lease(server: OwnPostgres, workers: Sequence[Supervised]) -> float:
    del server
    stopped = [process for one in workers for process in one.at_work()[:1]]
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(2 * LEASE)
    for process in stopped:
        process.send_signal(signal.SIGCONT)
    return time.time()


BLOWS: dict[str, Strike] = {
    "immediate restart": _restart,
    f"all connections cut every second, {CUTS} s": _cut_every_second,
    "no connection to be had for 5 s": _exhaust,
    f"SIGKILL every {KILL_EVERY:g} s": _kill_every_three_seconds,
    "SIGSTOP for two leases": _stop_for_longer_than_a_lease,
}
DATABASE_IS_BACK = tuple(BLOWS)[:3]
"""After these, the rate has to be back within a second."""


async def measure() -> list[Figure]:
    with own_postgres(options=("max_connections=60", "fsync=off")) as server, tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            queues = await _queues(stack, server, Path(folder))
            workers = [await stack.enter_async_context(_supervised(one, Path(folder))) for one in queues]
            await asyncio.gather(*(_submit_all(one.live) for one in workers))
            blows = [await _struck(name, strike, server, workers) for name, strike in BLOWS.items()]
            await asyncio.gather(*(_drained(one) for one in workers))
        return [figure for one in workers for figure in _figures(one, blows)]


async def _queues(stack: AsyncExitStack, server: OwnPostgres, folder: Path) -> Sequence[Queue]:
    for name in ("ours", "procrastinate", "pgqueuer"):
        server.say(f"CREATE DATABASE {name}")
    await migrate_schema(server.url(database="ours"))
    return [
        await stack.enter_async_context(our_queue(server.url(database="ours"), folder / "ours", files=JOBS + 2_000)),
        await stack.enter_async_context(procrastinate_queue(server.url(database="procrastinate"))),
        await stack.enter_async_context(pgqueuer_queue(server.url(database="pgqueuer"))),
    ]


@asynccontextmanager
async def _supervised(queue: Queue, folder: Path) -> AsyncGenerator[Supervised]:
    work = Work(record=folder / f"{queue.name}.txt", at_a_time=AT_A_TIME, job_seconds=JOB_SECONDS, lease_seconds=LEASE)
    made = Supervised(live=Live(queue=queue, work=work, records=Records(path=work.record)))
    await made.live.start(PROCESSES)
    await made.live.warm_up()
    tasks = [asyncio.create_task(made.supervise()), asyncio.create_task(made.rescue())]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await made.live.end()


async def _submit_all(one: Live) -> None:
    for _ in range(JOBS // JOBS_AT_ONCE):
        await one.submit(JOBS_AT_ONCE)


async def _struck(name: str, strike: Strike, server: OwnPostgres, workers: Sequence[Supervised]) -> Blow:
    await asyncio.gather(*(_all_at_work(one) for one in workers))
    await asyncio.sleep(STEADY)
    began = time.time()
    over = await strike(server, workers)
    await asyncio.sleep(LONGEST_RECOVERY)  # who is not back by then is told so
    left = {one.live.queue.name: one.left() for one in workers}
    print(f"  {name}: {', '.join(f'{queue} {jobs:,} left' for queue, jobs in left.items())}", flush=True)
    if not all(left.values()):
        raise RanOut(
            f"{name} hit a queue without jobs, which says nothing: set EDITQUEUE_BENCH_CHAOS_JOBS above {JOBS}"
        )
    return Blow(name=name, began=began, over=over)


async def _all_at_work(one: Supervised) -> None:
    """Until every worker process of the queue works: the blow before may have killed some."""
    for _ in range(int(STARTING / 0.1)):
        if len(one.at_work()) == PROCESSES:
            return
        await asyncio.sleep(0.1)


async def _drained(one: Supervised) -> None:
    """Until every job has run, or nothing moves any more."""
    left, until = one.left(), time.monotonic() + PATIENCE
    while left and time.monotonic() < until:
        await asyncio.sleep(0.2)
        if one.left() < left:
            left, until = one.left(), time.monotonic() + PATIENCE


def _figures(one: Supervised, blows: Sequence[Blow]) -> list[Figure]:
    name, ours = one.live.queue.name, one.live.queue.name == "ours"
    zero = 0.0 if ours else None

    def counted(what: str, count: float) -> Figure:
        return Figure(promise=28, what=f"{what}, {name}", measured=count, target=zero, unit="")

    figures = [counted("jobs lost", one.left()), counted("worker processes that ended by themselves", one.exits)]
    twice = counted("jobs that ran twice, but for those that a killed process had in hand", _ran_twice(one))
    if ours:  # the claim token decides; whoever comes late has worked in vain
        figures.append(counted("jobs that ended twice", _ended_twice(one)))
        twice = Figure(promise=28, what=twice.what, measured=twice.measured, unit="")
    times = [event.at for event in one.runs()]
    return [*figures, twice, *[_recovery(name, times, blow, ours=ours) for blow in blows], _takeover(one)]


def _ended_twice(one: Supervised) -> int:
    ends = Counter(event.number for event in one.live.records.events if event.kind == "ended")
    return sum(count > 1 for count in ends.values())


def _ran_twice(one: Supervised) -> int:
    runs = one.runs()
    counts = Counter(event.number for event in runs)
    excused = {event.number for event in runs if event.process in one.killed}
    return sum(count > 1 and number not in excused for number, count in counts.items())


def _recovery(name: str, times: Sequence[float], blow: Blow, *, ours: bool) -> Figure:
    before = sum(blow.began - STEADY <= at < blow.began for at in times) / STEADY
    return Figure(
        promise=28,
        what=f"{blow.name}: until {ENOUGH:.0%} of the rate, {name}",
        measured=_seconds_until(times, blow.over, ENOUGH * before),
        target=1.0 if ours and blow.name in DATABASE_IS_BACK else None,
        unit="s",
        facts={"jobs_per_s_before": before},
    )


def _seconds_until(times: Sequence[float], over: float, wanted: float) -> float:
    """From `over` on until the rate of a window is `wanted`."""
    for step in range(int(LONGEST_RECOVERY / 0.05)):
        start = over + step * 0.05
        if sum(start <= at < start + WINDOW for at in times) / WINDOW >= wanted:
            return step * 0.05
    return LONGEST_RECOVERY


def _takeover(one: Supervised) -> Figure:
    """Jobs that a killed process had in hand: until another one began them."""
    events = one.live.records.events
    begun = {(event.number, event.process): event.at for event in events if event.kind == "began"}
    died = {process: max(event.at for event in events if event.process == process) for process in one.killed}
    ran = {(event.number, event.process) for event in events if event.kind == "ran"}
    waits = [
        min((at - died[process] for (other, who), at in begun.items() if other == number and who != process), default=0)
        for number, process in begun
        if process in died and (number, process) not in ran
    ]
    return Figure(
        promise=28,
        what=f"SIGKILL: the longest until a job in hand began elsewhere, {one.live.queue.name}",
        measured=max(waits, default=0.0),
        unit="s",
        facts={"jobs": len(waits), "lease_s": LEASE},
    )
