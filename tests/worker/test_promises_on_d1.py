"""Promises 4 and 5 on D1, whose only transaction is `batch()`. Its contract suite holds promise 4 for 200 submits."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from devtools.cloudflare.host import Cloudflare
from devtools.cloudflare.isolate import isolate
from devtools.seeds import NOON, URL, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.files import File, FileStatus
from editqueue.ports.job_store import JobQuery

pytestmark = pytest.mark.reliability
STATEMENTS = 6


@pytest.fixture
async def store(cloudflare: Cloudflare) -> AsyncIterator[SqlStore]:
    async with isolate(cloudflare) as there:
        yield there.store


async def _submit(store: SqlStore, files: Sequence[File]) -> Sequence[str]:
    made = await store.submit(
        [one.id for one in files],
        order_id=files[0].order_id,
        user_id="anna",
        express=False,
        notes="bitte hell",
        now=NOON,
    )
    return made.new


@pytest.mark.parametrize("number", range(STATEMENTS))
async def test_promise_5_a_failing_statement_leaves_nothing_behind(
    cloudflare: Cloudflare, store: SqlStore, number: int
) -> None:
    order = await seed_order(store)
    files = await seed_files(store, order, 3)
    await cloudflare.tell("rule", call="batch", statement=number)

    with pytest.raises(StorageUnavailable, match="no such table"):
        await _submit(store, files)

    assert await store.order(order.id) == order
    assert {one.status for one in await store.files([one.id for one in files])} == {FileStatus.UPLOADED}
    assert not await store.has_work()
    assert len(await _submit(store, files)) == 3


@pytest.mark.parametrize("count", [1, 50])
async def test_a_submit_is_one_batch_whatever_the_number_of_files(
    cloudflare: Cloudflare, store: SqlStore, count: int
) -> None:
    files = await seed_files(store, await seed_order(store), count)
    await cloudflare.tell("heal")

    assert len(await _submit(store, files)) == count

    assert [one["size"] for one in await cloudflare.calls("batch")] == [STATEMENTS]


async def test_promise_4_submits_and_claims_at_once_never_make_two_active_jobs(store: SqlStore) -> None:
    files = await seed_files(store, await seed_order(store), 5)

    for _ in range(3):
        await asyncio.gather(
            *(submit(store, files) for _ in range(20)), *(store.claim_next(now=NOON) for _ in range(3))
        )
        active = [one for one in await store.jobs(JobQuery(order_id=files[0].order_id)) if one.finished_at is None]
        assert len(active) == len({one.file_id for one in active}) == 5
        await _finish_all(store, len(active))


async def _finish_all(store: SqlStore, count: int) -> None:
    await store.rescue(started_before=NOON.replace(year=2027), max_retries=9, message="{name}", now=NOON)
    for _ in range(count):
        await store.finish(await claim(store, NOON.replace(year=2027)), preview_url=URL, bytes_copied=7, now=NOON)
