"""Promise 28: whatever happens to the database and to other consumers, nothing is lost, nothing is done twice, and no
consumer ends by itself."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devtools.own_postgres import OwnPostgres, own_postgres
from devtools.patience import PATIENCE
from editqueue.adapters.job_store.opening.open_store import migrate_schema
from editqueue.domain.files import File
from tests.reliability.audit import audit, audit_books
from tests.reliability.fates import FATES
from tests.reliability.plan import Plan
from tests.reliability.processes import Processes
from tests.reliability.report import Tally
from tests.reliability.site import Opened, Site
from tests.reliability.size import sized

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(120, 1800))]
CONSUMERS = 2
BATCH = sized(6, 100)
"""Files submitted between two blows."""
ROUNDS = sized(1, 10)
CUTS = 3
PICTURE = 0.05
"""Seconds."""
STALE = 2.0
"""Seconds, instead of 15 minutes."""
Until = Callable[[], Awaitable[bool]]


async def _until(reached: Until, what: str) -> None:
    late = time.monotonic() + PATIENCE
    while not await reached():
        assert time.monotonic() < late, f"not within {PATIENCE:g} s: {what}"
        await asyncio.sleep(0.02)


class Consumers:
    """Processes that work until they are told to end."""

    def __init__(self, site: Site, forks: Processes, *, picture: float) -> None:
        self._site = site
        self._forks = forks
        self._picture = picture
        self._ends: list[asyncio.Task[str]] = []

    async def start(self) -> int:
        """Its process id."""
        written = self._site.folder / f"consumer-{len(self._ends)}"
        words = [str(written), str(self._picture), str(STALE)]
        plan = Plan(task="consume until told", environment=self._site.environment(), words=words)
        self._ends.append(asyncio.create_task(self._ended(plan)))

        async def is_there() -> bool:
            return written.exists() and bool(written.read_text())

        await _until(is_there, "a consumer works")
        return int(written.read_text())

    async def _ended(self, plan: Plan) -> str:
        ended = await self._forks.run(plan)
        assert ended.code == 0, ended.err
        return ended.err

    def assert_alive(self) -> None:
        for one in self._ends:
            assert not one.done(), one.result()

    async def end(self, processes: Sequence[int]) -> Sequence[str]:
        """What each wrote to stderr."""
        for process in processes:
            os.kill(process, signal.SIGTERM)
        return await asyncio.gather(*self._ends)


async def _all_done(here: Opened, files: Sequence[File]) -> None:
    async def are_done() -> bool:
        return all(one.status == "done" for one in await here.store.files([file.id for file in files]))

    await _until(are_done, f"{len(files)} files are done")


# The blows ----
async def _dies_and_comes_back(server: OwnPostgres) -> None:
    await asyncio.to_thread(server.crash)
    await asyncio.to_thread(server.start)


async def _cuts_all_connections(server: OwnPostgres) -> None:
    for _ in range(CUTS):
        assert await asyncio.to_thread(server.end_connections) > 0

        async def somebody_is_back() -> bool:
            return await asyncio.to_thread(server.connections) > 0

        await _until(somebody_is_back, "somebody connects again")


async def _has_no_connection_left(server: OwnPostgres) -> None:
    def refused() -> int:
        return (server.folder / "log").read_text(errors="replace").count("too many clients already")

    with server.full():
        before = refused()

        async def a_consumer_was_refused() -> bool:
            return refused() > before

        await _until(a_consumer_was_refused, "a consumer is refused a connection")


BLOWS = (_dies_and_comes_back, _cuts_all_connections, _has_no_connection_left)


@asynccontextmanager
async def _on_its_own_server(tmp_path: Path) -> AsyncGenerator[tuple[OwnPostgres, Site]]:
    with own_postgres(options=("max_connections=40", "fsync=off")) as server:
        site = Site(kind="postgresql", database_url=server.url(), folder=tmp_path)
        await migrate_schema(site.database_url)
        yield server, site


async def test_a_database_that_dies_cuts_and_refuses_connections_loses_nothing(
    tmp_path: Path, forks: Processes, tally: Tally
) -> None:
    async with _on_its_own_server(tmp_path) as (server, site), site.open() as here:
        consumers = Consumers(site, forks, picture=PICTURE)
        processes = [await consumers.start() for _ in range(CONSUMERS)]
        files = [*await here.submitted(BATCH)]
        for blow in BLOWS * ROUNDS:
            files += await here.submitted(BATCH)
            await blow(server)
            await _all_done(here, files)
            consumers.assert_alive()
        await consumers.end(processes)

        violations = await audit(here, files, FATES[""]) + await audit_books(here)
        await here.clear()
    tally.jobs += len(files)
    tally.faults += len(BLOWS) * ROUNDS
    assert violations == []


async def test_a_consumer_that_is_stopped_for_longer_than_every_lease_does_nothing_twice(
    site: Site, forks: Processes, tally: Tally
) -> None:
    async with site.open() as here:
        consumers = Consumers(site, forks, picture=PICTURE * 6)
        stopped = await consumers.start()
        files = [*await here.submitted(BATCH)]

        async def has_begun() -> bool:
            return any(one.locked for one in await here.store.files([file.id for file in files]))

        await _until(has_begun, "the first consumer has a job in hand")
        os.kill(stopped, signal.SIGSTOP)
        try:
            other = await consumers.start()
            await _all_done(here, files)
        finally:
            os.kill(stopped, signal.SIGCONT)
        files += await here.submitted(BATCH)
        await _all_done(here, files)
        consumers.assert_alive()
        await consumers.end([stopped, other])

        violations = await audit(here, files, FATES[""]) + await audit_books(here)
    tally.jobs += len(files)
    tally.faults += 1
    assert violations == []
