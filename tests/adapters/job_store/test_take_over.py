"""Jobs of consumers that are gone go to others at once; nobody else's do. On SQLite and PostgreSQL."""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from devtools.databases import NewDatabase
from devtools.holding import holding
from devtools.patience import PATIENCE
from devtools.seeds import LATER, NOON, URL
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.statements import take_over
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import ClaimLost
from editqueue.domain.jobs import EditJob
from editqueue.ports.job_store import Claim
from tests.reliability.taken_over import (
    claimed,
    claims_of_one_that_died,
    taken_after_a_late_look,
    taken_from_the_living,
)

ROOT = Path(__file__).parents[3]
HOLDING = """
import asyncio, sys
from devtools.holding import holding

async def main():
    async with holding(sys.argv[1]) as holder:
        print(holder.held_as, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database()


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = await open_store(url)
    yield opened
    await opened.close()


async def taken_over(store: SqlStore, holders: Sequence[str], *, max_retries: int = 3) -> Sequence[EditJob]:
    return await store.take_over(holders, max_retries=max_retries, message="{name}", now=LATER)


@asynccontextmanager
async def held_elsewhere(url: str) -> AsyncGenerator[tuple[str, asyncio.subprocess.Process]]:
    """A process that holds a lock, and its name."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDING, url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().strip(), process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_gone(store: SqlStore, name: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while name not in await store.gone_holders():  # noqa: ASYNC110  # a server tells nobody that a session ended
            await asyncio.sleep(0.02)


async def test_the_jobs_of_a_consumer_that_lives_are_its_own(url: str, store: SqlStore) -> None:
    assert await taken_from_the_living(url, store) == []


async def test_those_of_one_that_is_gone_are_queued_again_an_attempt_spent(url: str, store: SqlStore) -> None:
    name, [claim] = await claims_of_one_that_died(url, store)

    assert await store.gone_holders() == [name]
    [job] = await taken_over(store, [name])

    [file] = await store.files([claim.file.id])
    assert (job.status, job.attempts, job.error) == ("queued", 1, take_over.GONE_ERROR)
    assert (file.status, file.locked) == ("queued", False)
    with pytest.raises(ClaimLost):
        await store.finish(claim, preview_url=URL, bytes_copied=1, now=LATER)


async def test_a_consumer_whose_clock_is_a_little_behind_may_start_them_at_once(url: str, store: SqlStore) -> None:
    name, [claim] = await claims_of_one_that_died(url, store)

    await taken_over(store, [name])

    again = await store.claim_next(now=LATER - timedelta(milliseconds=900))
    assert again is not None
    assert again.job.id == claim.job.id


async def test_without_an_attempt_left_they_fail_and_the_customer_is_told(url: str, store: SqlStore) -> None:
    name, _ = await claims_of_one_that_died(url, store)

    [job] = await taken_over(store, [name], max_retries=0)

    [file] = await store.files([job.file_id])
    [note] = await store.notifications("anna", limit=9, before_id=None)
    assert (job.status, file.status, file.locked, note.message) == ("failed", "failed", False, "bild.jpg")


async def test_a_consumer_that_is_gone_is_forgotten_with_its_last_job(url: str, store: SqlStore) -> None:
    name, _ = await claims_of_one_that_died(url, store)

    await taken_over(store, [name])

    assert await store.gone_holders() == []


async def test_one_that_ends_without_a_job_leaves_nothing(url: str, store: SqlStore) -> None:
    async with holding(url):
        pass

    assert await store.gone_holders() == []


async def test_claims_that_name_nobody_wait_for_their_age(url: str, store: SqlStore) -> None:
    name, _ = await claims_of_one_that_died(url, store)
    await claimed(store, None)

    assert len(await taken_over(store, [name])) == 1


async def test_what_was_finished_meanwhile_stays_finished(url: str, store: SqlStore) -> None:
    name, claims = await claims_of_one_that_died(url, store, count=2)
    await store.finish(claims[0], preview_url=URL, bytes_copied=1, now=NOON)

    assert [job.id for job in await taken_over(store, [name])] == [claims[1].job.id]
    assert (await store.job(claims[0].job.id) or claims[0].job).status == "done"


async def test_who_looked_before_somebody_else_moved_a_job_moves_it_no_more(url: str, store: SqlStore) -> None:
    assert await taken_after_a_late_look(url, store) == []


async def test_a_finish_and_a_take_over_at_once_have_one_winner(url: str, store: SqlStore) -> None:
    other = await open_store(url)
    name, claims = await claims_of_one_that_died(url, store, count=12)

    async def finished(claim: Claim) -> str | None:
        try:
            await store.finish(claim, preview_url=URL, bytes_copied=1, now=NOON)
        except ClaimLost:
            return None
        return claim.job.id

    taking = asyncio.create_task(taken_over(other, [name]))
    ends = await asyncio.gather(*(finished(claim) for claim in claims))
    taken = await taking

    done = {job_id for job_id in ends if job_id is not None}
    requeued = {job.id for job in taken}
    assert done | requeued == {claim.job.id for claim in claims}
    assert done & requeued == set()
    assert len(await store.notifications("anna", limit=99, before_id=None)) == len(done)
    await other.close()


async def test_two_that_take_over_at_once_take_each_job_once(url: str, store: SqlStore) -> None:
    other = await open_store(url)
    name, claims = await claims_of_one_that_died(url, store, count=6)

    found = await asyncio.gather(*(taken_over(one, [name]) for one in (store, other, store, other)))

    assert sorted(job.id for jobs in found for job in jobs) == sorted(claim.job.id for claim in claims)
    await other.close()


async def test_many_jobs_of_one_are_taken_in_portions(
    url: str, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take_over, "MOST_JOBS", 2)
    name, _ = await claims_of_one_that_died(url, store, count=5)

    portions = [len(await taken_over(store, [name])) for _ in range(3)]

    assert portions == [2, 2, 1]
    assert await store.gone_holders() == []


async def test_the_living_are_named_with_their_jobs(url: str, store: SqlStore) -> None:
    await claims_of_one_that_died(url, store)
    async with holding(url) as first, holding(url) as second:
        [claim] = await claimed(store, first.held_as)

        found = {consumer.name: list(consumer.jobs) for consumer in await store.living_consumers() or ()}

    assert found == {first.consumer: [claim.job.id], second.consumer: []}
    assert claim.job.holder == first.consumer


async def test_a_process_that_is_killed_is_gone_and_one_that_is_stopped_is_not(url: str, store: SqlStore) -> None:
    async with held_elsewhere(url) as (name, process):
        [claim] = await claimed(store, name)
        process.send_signal(signal.SIGSTOP)

        assert await store.gone_holders() == []
        assert await taken_over(store, [name]) == []

        process.kill()
        await until_gone(store, name)
        assert [job.id for job in await taken_over(store, [name])] == [claim.job.id]
