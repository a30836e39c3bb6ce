"""Promise 10 on the wire: bucket and database fail in every way a network knows, and nothing is lost."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devtools.databases import new_postgres
from devtools.fault_proxy import Proxy, SometimesFaulty, behind, fault_proxy, first_group_with, tcp, through
from devtools.seaweed import S3Server
from devtools.world import World, make_ports
from editqueue.domain.errors import BrokenPicture, StorageUnavailable
from editqueue.ports.job_store import JobQuery
from editqueue.use_cases.consumer.process_job import process_next
from tests.reliability.audit import audit, audit_books
from tests.reliability.fates import FATES
from tests.reliability.plan import Plan
from tests.reliability.processes import Processes
from tests.reliability.report import Tally
from tests.reliability.site import Opened, Site
from tests.reliability.size import sized

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(120, 1800))]
CONSUMERS = 3
JOBS = sized(9, 300)
OUTAGE = sized(1, 60)
"""Seconds; the consumers wait 90 s of theirs with a result in hand."""
SPEED = sized(30, 1)
"""Of the consumers' time during an outage: at test size a second is half a minute to them."""
LATER = 200_000.0
"""Seconds after NOON, when whatever was left behind counts as stale, and nothing is old enough to expire."""


@asynccontextmanager
async def _faulty_bucket(site: Site, s3: S3Server) -> AsyncGenerator[tuple[Site, Proxy]]:
    """The site with a proxy before its bucket."""
    where = urlsplit(s3.endpoint)
    async with fault_proxy(tcp(where.hostname or "", where.port or 80), http=True) as proxy:
        yield replace(site, s3=replace(s3, endpoint=f"http://127.0.0.1:{proxy.port}")), proxy


async def _consume(site: Site, forks: Processes, *, speed: float, patience: int) -> None:
    plan = Plan(
        task="consume live", environment=site.environment(), words=[str(time.time()), str(speed), str(patience)]
    )
    await asyncio.gather(*(_supervise(plan, forks) for _ in range(CONSUMERS)))


async def _supervise(plan: Plan, forks: Processes) -> None:
    """Start it again, as systemd does, when it could not even open its database."""
    ended = await forks.run(plan)
    while "EDITQUEUE_DATABASE_URL: cannot open" in ended.err:
        await asyncio.sleep(0.1)
        ended = await forks.run(plan)
    assert ended.code == 0, ended.err


async def _clear_up(site: Site, forks: Processes) -> None:
    """What nobody heard of, say a claim whose answer was lost, is stale some day."""
    await forks.run(Plan(task="consume", environment=site.environment(), moment=LATER))


@pytest.mark.parametrize("seed", range(sized(1, 3)))
async def test_a_bucket_that_fails_in_every_way_loses_nothing(
    site: Site, s3_server: S3Server, forks: Processes, tally: Tally, seed: int
) -> None:
    print(f"seed {seed}")  # pytest shows it with a failure
    site = replace(site, s3=s3_server)
    async with site.open() as here, _faulty_bucket(site, s3_server) as (spoiled, proxy):
        files = await here.submitted(JOBS)
        proxy.choose = SometimesFaulty(seed=seed)

        await _consume(spoiled, forks, speed=30, patience=1500)

        violations = await audit(here, files, FATES[""]) + await audit_books(here)
        await here.clear()
    tally.jobs += JOBS
    tally.faults += proxy.faults
    assert violations == []
    assert proxy.faults >= JOBS


async def test_a_bucket_that_is_gone_for_a_minute_loses_nothing(
    site: Site, s3_server: S3Server, forks: Processes, tally: Tally
) -> None:
    site = replace(site, s3=s3_server)
    async with site.open() as here, _faulty_bucket(site, s3_server) as (spoiled, proxy):
        files = await here.submitted(JOBS)
        proxy.down()

        async with asyncio.TaskGroup() as both:
            both.create_task(_consume(spoiled, forks, speed=10, patience=1500))
            both.create_task(_back_after(proxy, sized(1, 20)))

        violations = await audit(here, files, FATES[""]) + await audit_books(here)
        await here.clear()
    tally.jobs += JOBS
    tally.faults += proxy.faults
    assert violations == []
    assert proxy.faults > 0


async def _back_after(proxy: Proxy, seconds: float) -> None:
    await proxy.felt.wait()
    await asyncio.sleep(seconds)
    proxy.up()


@asynccontextmanager
async def _outage_of(site: Site, here: Opened) -> AsyncGenerator[Site]:
    """The site whose database is gone for OUTAGE seconds once some job is done."""
    if site.kind == "sqlite":
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_hold(site, here))
            yield site
        return
    async with fault_proxy(behind(site.database_url), http=False) as proxy, asyncio.TaskGroup() as tasks:
        tasks.create_task(_cut_off(proxy, here))
        yield replace(site, database_url=through(site.database_url, proxy.port))


async def _hold(site: Site, here: Opened) -> None:
    """Another program holds the database's only write lock: what an outage is to SQLite."""
    await _some_done(here)
    with closing(sqlite3.connect(site.database_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout=60000")
        other.execute("BEGIN EXCLUSIVE")
        await asyncio.sleep(OUTAGE)
        other.execute("ROLLBACK")


async def _cut_off(proxy: Proxy, here: Opened) -> None:
    await _some_done(here)
    proxy.down()
    await asyncio.sleep(OUTAGE)
    proxy.up()


async def _some_done(here: Opened) -> None:
    while not await here.store.notifications(here.site.user_id, limit=1, before_id=None):  # noqa: ASYNC110  # another process makes it true
        await asyncio.sleep(0.01)


async def test_a_database_that_is_gone_for_a_minute_loses_nothing(site: Site, forks: Processes, tally: Tally) -> None:
    async with site.open() as here:
        files = await here.submitted(JOBS)
        async with _outage_of(site, here) as spoiled:
            await _consume(spoiled, forks, speed=SPEED, patience=20 * SPEED)
        await _clear_up(site, forks)

        violations = await audit(here, files, FATES[""]) + await audit_books(here)
        jobs = await here.store.jobs(JobQuery(limit=JOBS))
    tally.jobs += JOBS
    assert violations == []
    assert sum(one.attempts - 1 for one in jobs) <= CONSUMERS, "an outage costs at most the claims it swallowed"


@pytest.fixture(name="proxied")
async def _proxied(tmp_path: Path) -> AsyncIterator[tuple[World, Proxy]]:
    """A world on PostgreSQL, with a proxy between."""
    with new_postgres() as new:
        url = new()
        async with (
            fault_proxy(behind(url), http=False) as proxy,
            make_ports(tmp_path, url=through(url, proxy.port)) as world,
        ):
            yield world, proxy


FINISH, END, CLAIM = b"WITH given AS", b"UPDATE edit_jobs SET status=$", b"WITH drawn AS"


@pytest.mark.parametrize(
    ("error", "lost", "result", "cause"),
    [
        (None, first_group_with(FINISH), "done", "finish"),
        (BrokenPicture("kaputt"), first_group_with(END), "failed", "fail"),
        (StorageUnavailable("503"), first_group_with(END), "retry", "retry"),
    ],
)
async def test_a_result_whose_answer_is_lost_is_told_as_it_stands(
    proxied: tuple[World, Proxy],
    tally: Tally,
    error: Exception | None,
    lost: Callable[[bytes], bool],
    result: str,
    cause: str,
) -> None:
    world, proxy = proxied
    await world.submitted(1)
    world.images.error = error
    proxy.loses = lost

    outcome = await process_next(world.ports)

    assert proxy.faults == 1
    assert outcome is not None
    assert outcome.result == result
    assert world.journal.causes() == ["claim", cause]
    assert [one.result for one in world.journal.attempts] == [result]
    assert "claim_lost" not in world.journal.warnings
    assert len(await world.notes()) == (result != "retry")
    assert len(world.images.calls) == 1
    tally.jobs, tally.faults = 1, 1


async def test_a_claim_whose_answer_is_lost_is_given_back_unspent_by_the_next_one(
    proxied: tuple[World, Proxy], tally: Tally
) -> None:
    world, proxy = proxied
    [file] = await world.submitted(1)
    proxy.loses = first_group_with(CLAIM)

    with pytest.raises(StorageUnavailable):
        await process_next(world.ports)

    assert (await world.file(file)).locked
    outcome = await process_next(world.ports)
    assert outcome is not None
    assert (outcome.result, (await world.job(file)).attempts) == ("done", 1)
    tally.jobs, tally.faults = 1, 1
