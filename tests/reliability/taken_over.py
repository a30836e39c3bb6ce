"""Moments at which a take-over must leave a job alone, and what it took all the same."""

from collections.abc import Sequence

from devtools.holding import holding
from devtools.seeds import LATER, NOON, seed_files, seed_order, submit
from editqueue.adapters.job_store.statements import take_over
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.jobs import EditJob
from editqueue.ports.job_store import Claim


async def claimed(store: SqlStore, holder: str | None, *, count: int = 1) -> list[Claim]:
    await submit(store, await seed_files(store, await seed_order(store), count))
    taken = [await store.claim_next(now=NOON, holder=holder) for _ in range(count)]
    return [claim for claim in taken if claim is not None]


async def claims_of_one_that_died(url: str, store: SqlStore, *, count: int = 1) -> tuple[str, list[Claim]]:
    async with holding(url) as holder:
        return holder.consumer, await claimed(store, holder.held_as, count=count)


async def taken_from_the_living(url: str, store: SqlStore) -> Sequence[EditJob]:
    """By one who asks who is gone, and by one who believes that a consumer at work is."""
    async with holding(url) as holder:
        await claimed(store, holder.held_as)
        return [*await _taken_over(store, await store.gone_holders()), *await _taken_over(store, [holder.consumer])]


async def _taken_over(store: SqlStore, holders: Sequence[str]) -> Sequence[EditJob]:
    return await store.take_over(holders, max_retries=3, message="{name}", now=LATER)


async def taken_after_a_late_look(url: str, store: SqlStore) -> Sequence[EditJob]:
    """Between the look and the take-over the holder comes back for a moment, ends its job and claims it once more."""
    name, [claim] = await claims_of_one_that_died(url, store)
    seen = [claim.job]
    await store.release(claim, now=NOON)
    again = await store.claim_next(now=NOON, holder=name)
    assert again is not None

    group = take_over.take_over(seen, max_retries=3, message="m", now=LATER)
    if not url.startswith("sqlite"):
        group = take_over.take_over_under_locks(seen, [name], max_retries=3, message="m", now=LATER)
    taken = await store.send(group)

    assert taken or await store.job(claim.job.id) == again.job
    return taken
