"""Promise 24: a consumer that dies loses its jobs to others within seconds, and one that lives loses none."""

import signal
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count

import pytest

from devtools.holding import holding
from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene
from devtools.seeds import NOON
from devtools.world import World
from editqueue.domain.errors import BrokenPicture, StorageUnavailable
from editqueue.domain.files import File
from editqueue.domain.jobs import JobStatus
from editqueue.ports.holder import Holder
from editqueue.ports.job_store import JobQuery
from editqueue.use_cases.consumer.take_over import take_over
from tests.reliability.audit import audit, audit_books
from tests.reliability.fates import FATES
from tests.reliability.late_worker import RIVALS, Rival, late_worker
from tests.reliability.processes import Processes
from tests.reliability.report import Tally
from tests.reliability.running import Running, event, running
from tests.reliability.site import Opened, Site
from tests.reliability.size import sized
from tests.reliability.steps import ONE_JOB
from tests.reliability.test_promise_01_crash import Sweep

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(120, 900))]
AT_ONCE = 5.0
"""Seconds from the death of a consumer until its job starts elsewhere."""
ROUNDS = sized(1, 10)


@asynccontextmanager
async def stopped_at_work(here: Opened, body: bytes) -> AsyncGenerator[tuple[Running, list[File]]]:
    """A consumer that SIGSTOP holds in the middle of its second job, with all its image processes; and the files."""
    async with running(here.site, "consume") as consumer:
        files = await here.submitted(1, body=body)
        at = await consumer.wait_for(event("attempt", result="done"))
        children = consumer.children()
        assert children, "no image process has inherited anything"
        for child in children:
            child.suspend()
        try:
            files += await here.submitted(1, body=body)
            await consumer.wait_for(event("transition", cause="claim"), after=at)
            consumer.process.send_signal(signal.SIGSTOP)
            yield consumer, files
        finally:
            for child in children:  # stopped, they do not notice that their consumer is gone
                if child.is_running():
                    child.kill()


async def two_alive(here: Opened) -> list[str]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = [consumer.name for consumer in await here.store.living_consumers() or ()]
        if len(found) == 2:
            return found
    raise AssertionError("the second consumer does not live")


@pytest.mark.parametrize("_round", range(ROUNDS))
async def test_its_job_starts_elsewhere_at_once_and_not_while_it_is_only_stopped(
    site: Site, tally: Tally, _round: int
) -> None:
    async with site.open() as here:
        started = stopped_at_work(here, encoded(scene(1600, 1200)))
        async with started as (first, files), running(site, "consume") as second:
            [job_id] = [job.id for job in await here.store.jobs(JobQuery(status=JobStatus.IN_PROGRESS))]
            names = await two_alive(here)
            assert await here.store.gone_holders() == []
            assert await here.store.take_over(names, max_retries=3, message="m", now=NOON) == []

            first.process.kill()
            died = time.monotonic()
            await second.wait_for(event("transition", cause="claim", job_id=job_id), within=AT_ONCE)
            took = time.monotonic() - died

            await second.wait_for(event("attempt", job_id=job_id, result="done"))
            assert [entry["job_id"] for entry in second.told("transition") if entry["cause"] == "taken_over"] == [
                job_id
            ]
            await second.end()
        violations = await audit(here, files, FATES[""]) + await audit_books(here)
    tally.kills += 1
    tally.jobs += 2
    print(f"taken over after {took:.1f} s")

    assert violations == []


async def test_wherever_it_dies_the_next_consumer_puts_everything_right_at_once(
    site: Site, forks: Processes, tally: Tally
) -> None:
    violations: list[str] = []
    async with site.open() as here:
        sweep = Sweep(here, forks, tally, successor_after=10)
        for step in count(1, sized(4, 1)):
            killed, found = await sweep.try_step(step, "", 1)
            violations += found
            if not killed:
                break
        violations += await audit_books(here)

    assert violations == []
    assert '"cause": "taken_over"' in sweep.log
    assert '"cause": "stale"' not in sweep.log


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One that claims as a consumer whose lock gets lost."""

    lock: AsyncExitStack
    holder: Holder
    rival: Holder

    async def loses(self, world: World) -> None:
        await self.lock.aclose()
        assert await take_over(replace(world.ports, holder=self.rival)) == 1


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("error", [None, StorageUnavailable("503"), BrokenPicture("kaputt")])
async def test_a_worker_whose_job_was_taken_over_changes_nothing(
    world: World, database_url: str, error: Exception | None, rival: Rival
) -> None:
    violations: list[str] = []
    async with holding(database_url) as other:
        for number in range(2, ONE_JOB, sized(3, 1)):
            async with AsyncExitStack() as lock:
                worker = Worker(lock=lock, holder=await lock.enter_async_context(holding(database_url)), rival=other)
                late = replace(world, ports=replace(world.ports, holder=worker.holder))
                violations += await late_worker(late, number, error, rival, loses=worker.loses)

    assert violations == []
