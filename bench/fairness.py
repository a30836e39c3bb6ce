"""How long somebody with one file waits behind a customer with 5,000, counted in jobs claimed before it.

The consumers begin when the single file comes: nothing of the backlog was worked on before, the worst case. One backlog
is express and goes before others, but for every fifth job.
"""

from datetime import timedelta

from bench.figures import Figure
from devtools.databases import KINDS, Kind
from devtools.fairness import jobs_ahead_of_one

FILES = 5000
LATER = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))
PER_JOB = timedelta(seconds=30)
"""Of the backlog, one job goes first for each of these that it is older."""
EXPRESS_FIRST = 4
"""Of a backlog that is express, at most so many jobs go before somebody else's that is not."""


async def measure() -> list[Figure]:
    usual = [await _figure(kind, later) for kind in KINDS for later in LATER]
    return [*usual, *[await _behind_express(kind) for kind in KINDS]]


async def _figure(kind: Kind, later: timedelta) -> Figure:
    ahead = await jobs_ahead_of_one(kind, files=FILES, later=later)
    what = f"{kind}: another's one file, {later.total_seconds():g} s after {FILES:,} of one customer: jobs before it"
    return Figure(promise=0, what=what, measured=ahead, target=1 + later / PER_JOB, unit="jobs")


async def _behind_express(kind: Kind) -> Figure:
    ahead = await jobs_ahead_of_one(kind, files=FILES, later=timedelta(0), express_backlog=True)
    what = f"{kind}: another's one file behind {FILES:,} express ones of one customer: jobs before it"
    return Figure(promise=0, what=what, measured=ahead, target=EXPRESS_FIRST, unit="jobs")
