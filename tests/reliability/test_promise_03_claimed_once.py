"""Promise 3: sixteen processes at one database run every job once and never stumble over each other."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from devtools.seeds import NOON, seed_order
from tests.reliability.plan import Plan
from tests.reliability.processes import Processes
from tests.reliability.report import Tally
from tests.reliability.site import Site, many_files
from tests.reliability.size import sized

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(120, 1800))]
PROCESSES = 16
JOBS = sized(320, 10_000)
BATCH = sized(160, 1000)
"""Files of one order; submit takes at most 1,000 at a time."""


async def _submit_all(site: Site) -> None:
    async with site.open() as here:
        for _ in range(0, JOBS, BATCH):
            order = await seed_order(here.store, user_id=site.user_id)
            ids = await many_files(site.database_url, order, BATCH)
            await here.store.submit(ids, order_id=order.id, user_id=site.user_id, express=False, notes=None, now=NOON)


async def test_executions_are_jobs(site: Site, forks: Processes, tally: Tally) -> None:
    await _submit_all(site)
    plan = Plan(task="claim", environment=site.environment())

    ended = await asyncio.gather(*(forks.run(plan) for _ in range(PROCESSES)))

    async with site.open() as here:
        queue_stats = await here.store.queue_stats(now=datetime.now(UTC))
        notes = await here.store.notifications(site.user_id, limit=JOBS + 1, before_id=None)
    assert [(one.err, one.code) for one in ended] == [("", 0)] * PROCESSES
    runs = Counter(line for one in ended for line in one.lines())
    tally.jobs += runs.total()
    assert runs.total() == len(runs) == queue_stats.jobs["done"] == len(notes) == JOBS
    assert {line.split()[1] for line in runs} == {"done"}
    assert sum(bool(one.out) for one in ended) > 1, "one process did everything"
