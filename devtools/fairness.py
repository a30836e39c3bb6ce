"""How long somebody with one file waits behind somebody with many, counted in jobs claimed before it."""

from datetime import timedelta

from devtools.databases import Kind, new_postgres
from devtools.plans import scratch_sqlite
from devtools.scratch import NOW, USER, CountingDatabase, add_files, add_order
from devtools.seeds import seed_files, seed_order, submit
from editqueue.adapters.job_store.opening.open_store import open_database, open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore

SUBMIT = 1000
"""Files of one submit, at most."""


async def jobs_ahead_of_one(
    kind: Kind, *, files: int, later: timedelta, express: bool = False, express_backlog: bool = False
) -> int:
    """Jobs claimed before the single file's, which was submitted `later`. Each of the two may be express."""
    with new_postgres() if kind == "postgresql" else scratch_sqlite() as new:
        url = new()
        database, store = CountingDatabase(open_database(url)), await open_store(url)
        try:
            await _submit_backlog(database, store, files, express=express_backlog)
            [single] = await seed_files(store, await seed_order(store, user_id="bert"), 1)
            [wanted] = await submit(store, [single], express=express, now=NOW + later)
            return await _claims_before(store, wanted)
        finally:
            await store.close()
            await database.close()


async def _submit_backlog(database: CountingDatabase, store: SqlStore, files: int, *, express: bool) -> None:
    for start in range(0, files, SUBMIT):
        order_id = await add_order(store)
        ids = await add_files(database, order_id, min(SUBMIT, files - start))
        await store.submit(ids, order_id=order_id, user_id=USER, express=express, notes=None, now=NOW)


async def _claims_before(store: SqlStore, wanted: str) -> int:
    ahead = 0
    while (taken := await store.claim_next(now=NOW + timedelta(days=3))) is not None and taken.job.id != wanted:
        ahead += 1
    return ahead
