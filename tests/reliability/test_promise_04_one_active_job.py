"""Promise 4: however often and from wherever the same files are submitted, each has one active job."""

import asyncio
from datetime import UTC, datetime

import pytest

from devtools.seeds import URL, seed_files, seed_order
from editqueue.ports.job_store import JobQuery
from tests.reliability.plan import Plan
from tests.reliability.processes import Processes
from tests.reliability.report import Tally
from tests.reliability.site import Opened, Site

pytestmark = pytest.mark.reliability
FILES, PROCESSES, AT_ONCE = 20, 4, 50
"""200 submits of the same 20 files, from four processes."""


async def _submit_at_once(
    here: Opened, forks: Processes, order_id: str, ids: list[str], *, processes: int
) -> set[tuple[str, ...]]:
    """The different answers."""
    words = [here.site.user_id, order_id, str(AT_ONCE), *ids]
    plan = Plan(task="submit", environment=here.site.environment(), words=words)
    ended = await asyncio.gather(*(forks.run(plan) for _ in range(processes)))
    answers = [tuple(line.split()) for one in ended for line in one.lines()]
    assert len(answers) == processes * AT_ONCE
    return set(answers)


async def test_200_submits_at_once_make_one_active_job_per_file(site: Site, forks: Processes, tally: Tally) -> None:
    async with site.open() as here:
        order = await seed_order(here.store, user_id=site.user_id)
        ids = [one.id for one in await seed_files(here.store, order, FILES)]

        [first] = await _submit_at_once(here, forks, order.id, ids, processes=PROCESSES)

        jobs = {one.id: one for one in await here.store.jobs(JobQuery(limit=1000))}
        assert [jobs[one].file_id for one in first] == ids
        assert [one.status for one in jobs.values()] == ["queued"] * FILES
        await _run_all(here)
        [second] = await _submit_at_once(here, forks, order.id, ids, processes=1)
        assert not set(first) & set(second)
        assert len(await here.store.jobs(JobQuery(limit=1000))) == 2 * FILES
        tally.jobs += 2 * FILES


async def _run_all(here: Opened) -> None:
    while (taken := await here.store.claim_next(now=datetime.now(UTC))) is not None:
        await here.store.finish(taken, preview_url=URL, bytes_copied=7, now=datetime.now(UTC))
