"""How long somebody with one file waits behind a customer with 5,000, counted in jobs claimed before it.

The consumers begin when the single file comes: nothing of the backlog was worked on before, the worst case.
"""

from datetime import timedelta

from bench.figures import Figure
from bench.plans import scratch_sqlite
from bench.scratch import NOW, USER, CountingDatabase, add_files, add_order
from editqueue.adapters.job_store import SqlStore
from editqueue.adapters.job_store.opening import open_database
from tests.seeds import seed_files, seed_order, submit
from tests.servers.databases import KINDS, Kind, new_postgres

FILES = 5000
SUBMIT = 1000
"""Files of one submit, at most."""
LATER = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))
PER_JOB = timedelta(seconds=30)
"""Of the backlog, one job goes first for each of these that it is older."""


async def measure() -> list[Figure]:
    return [await _figure(kind, later) for kind in KINDS for later in LATER]


async def _figure(kind: Kind, later: timedelta) -> Figure:
    ahead = await jobs_ahead_of_one(kind, files=FILES, later=later)
    what = f"{kind}: another's one file, {later.total_seconds():g} s after {FILES:,} of one customer: jobs before it"
    return Figure(promise=0, what=what, measured=ahead, target=1 + later / PER_JOB, unit="jobs")


async def jobs_ahead_of_one(kind: Kind, *, files: int, later: timedelta, express: bool = False) -> int:
    """Jobs claimed before the single file's, which was submitted `later`."""
    with new_postgres() if kind == "postgresql" else scratch_sqlite() as new:
        database = CountingDatabase(open_database(new()))
        store = SqlStore(database)
        try:
            await _submit_backlog(database, store, files)
            [single] = await seed_files(store, await seed_order(store, user_id="bert"), 1)
            [wanted] = await submit(store, [single], express=express, now=NOW + later)
            return await _claims_before(store, wanted)
        finally:
            await store.close()


async def _submit_backlog(database: CountingDatabase, store: SqlStore, files: int) -> None:
    for start in range(0, files, SUBMIT):
        order_id = await add_order(store)
        ids = await add_files(database, order_id, min(SUBMIT, files - start))
        await store.submit(ids, order_id=order_id, user_id=USER, express=False, notes=None, now=NOW)


async def _claims_before(store: SqlStore, wanted: str) -> int:
    ahead = 0
    while (taken := await store.claim_next(now=NOW + timedelta(days=3))) is not None and taken.job.id != wanted:
        ahead += 1
    return ahead
