"""The store on D1's HTTP API: an answer that gets lost leaves no job locked and none done twice."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from devtools.cloudflare_queue.d1 import D1Api
from devtools.seeds import NOON, URL, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.opening.open_d1 import open_d1_store
from editqueue.adapters.job_store.store.d1_store import D1HttpStore
from editqueue.domain.errors import ClaimLost, StorageUnavailable
from editqueue.ports.job_store import JobQuery

CLAIM, FINISH = "SET starts", "-finish-"


@pytest.fixture(name="store")
async def _store(api: D1Api) -> AsyncIterator[D1HttpStore]:
    store = await open_d1_store(api.access)
    yield store
    await store.close()


async def queued(store: D1HttpStore, count: int = 1) -> None:
    await submit(store, await seed_files(store, await seed_order(store), count))


async def test_a_claim_whose_answer_got_lost_is_given_back_by_the_next_one_unspent(
    api: D1Api, store: D1HttpStore
) -> None:
    await queued(store)
    api.lost.append(CLAIM)
    with pytest.raises(StorageUnavailable):
        await store.claim_next(now=NOON)
    assert (await store.queue_stats(now=NOON)).jobs["in_progress"] == 1
    requests = len(api.batches)

    taken = await claim(store)

    assert taken.job.attempts == 1
    assert len(api.batches) == requests + 1, "giving back costs no request of its own"


async def test_a_job_that_somebody_else_claimed_meanwhile_is_left_alone(api: D1Api, store: D1HttpStore) -> None:
    await queued(store, 2)
    other = await open_d1_store(api.access)
    theirs = await claim(other)
    api.lost.append(CLAIM)
    with pytest.raises(StorageUnavailable):
        await store.claim_next(now=NOON)

    ours = await claim(store)

    assert ours.job.id != theirs.job.id
    await other.finish(theirs, preview_url=URL, bytes_copied=1, now=NOON)
    await other.close()


async def test_a_claim_that_is_made_late_is_given_back_for_a_quarter_of_an_hour(api: D1Api, store: D1HttpStore) -> None:
    behind = api.backend
    await queued(store)
    api.lost.append(CLAIM)
    late = len(api.batches)

    async def later(_: object) -> list[dict[str, object]]:
        return [{"success": True, "results": []}] * 3

    api.backend = later  # D1 does nothing yet
    with pytest.raises(StorageUnavailable):
        await store.claim_next(now=NOON)
    api.backend = behind
    await behind(api.batches[late])  # and now it does

    taken = await store.claim_next(now=NOON + timedelta(minutes=14))

    assert taken is not None
    assert taken.job.attempts == 1


async def test_a_finish_whose_answer_got_lost_is_recognised_when_it_is_tried_again(
    api: D1Api, store: D1HttpStore
) -> None:
    await queued(store)
    taken = await claim(store)
    api.lost.append("INSERT INTO notifications")
    with pytest.raises(StorageUnavailable):
        await store.finish(taken, preview_url=URL, bytes_copied=1, now=NOON)

    await store.finish(taken, preview_url=URL, bytes_copied=1, now=NOON)

    [job] = await store.jobs(JobQuery())
    assert (job.status, job.attempts) == ("done", 1)
    assert len(await store.notifications("anna", limit=9, before_id=None)) == 1


async def test_whoever_lost_a_claim_cannot_end_it(api: D1Api, store: D1HttpStore) -> None:
    await queued(store)
    taken = await claim(store)
    await store.release(taken, now=NOON)

    with pytest.raises(ClaimLost):
        await store.finish(taken, preview_url=URL, bytes_copied=1, now=NOON)


async def test_a_job_costs_two_requests(api: D1Api, store: D1HttpStore) -> None:
    await queued(store)
    before = len(api.batches)

    await store.finish(await claim(store), preview_url=URL, bytes_copied=1, now=NOON)

    assert len(api.batches) - before == 2
