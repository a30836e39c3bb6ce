"""What every JobStore promises to operators: the story of a job."""

from datetime import timedelta

from devtools.seeds import LATER, NOON, URL, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.attempts import Attempt, AttemptEnd
from editqueue.domain.files import FileStatus
from editqueue.ports.job_store import Claim

SOON = NOON + timedelta(minutes=1)


async def one_job(store: SqlStore) -> str:
    [job_id] = await submit(store, await seed_files(store, await seed_order(store), 1))
    return job_id


async def held(store: SqlStore, consumer: str = "web-1:7:abc") -> Claim:
    taken = await store.claim_next(now=LATER, holder=consumer)
    assert taken is not None
    return taken


class TestStory:
    async def _attempts(self, store: SqlStore, job_id: str) -> list[Attempt]:
        story = await store.job_story(job_id)
        assert story is not None
        assert story.job == await store.job(job_id)
        return [*story.attempts]

    async def test_there_is_none_of_an_unknown_job(self, store: SqlStore) -> None:
        assert await store.job_story("nope") is None

    async def test_a_job_that_waits_has_no_attempt(self, store: SqlStore) -> None:
        assert await self._attempts(store, await one_job(store)) == []

    async def test_the_attempt_that_runs_and_then_makes_the_job_done(self, store: SqlStore) -> None:
        job_id = await one_job(store)
        taken = await held(store)
        running = Attempt(
            number=1, consumer="web-1:7:abc", began_at=LATER, ended_at=None, ended_by=None, error=None, run_after=None
        )
        assert await self._attempts(store, job_id) == [running]

        await store.finish(taken, preview_url=URL, bytes_copied=7, now=LATER + timedelta(seconds=3))

        [done] = await self._attempts(store, job_id)
        assert (done.number, done.ended_at, done.ended_by) == (1, LATER + timedelta(seconds=3), AttemptEnd.FINISH)

    async def test_an_attempt_that_is_followed_by_another_one(self, store: SqlStore) -> None:
        job_id = await one_job(store)
        again = LATER + timedelta(seconds=15)
        await store.retry_later(await held(store), error="e: busy", run_after=again, now=LATER + timedelta(seconds=2))

        [first] = await self._attempts(store, job_id)

        assert first == Attempt(
            number=1,
            consumer="web-1:7:abc",
            began_at=LATER,
            ended_at=LATER + timedelta(seconds=2),
            ended_by=AttemptEnd.RETRY,
            error="e: busy",
            run_after=again,
        )

    async def test_an_attempt_with_which_the_job_fails(self, store: SqlStore) -> None:
        job_id = await one_job(store)
        taken = await claim(store)
        await store.fail(taken, error="e: no", message="{name}", file_status=FileStatus.FAILED, now=SOON)

        [last] = await self._attempts(store, job_id)

        assert (last.number, last.consumer, last.began_at, last.ended_at) == (1, None, NOON, SOON)
        assert (last.ended_by, last.error, last.run_after) == (AttemptEnd.FAIL, "e: no", None)

    async def test_an_attempt_that_was_handed_back_does_not_count_and_says_why(self, store: SqlStore) -> None:
        job_id = await one_job(store)
        await store.release(await claim(store), now=NOON)
        await store.release(await claim(store), reason="ground_lost: bucket", now=NOON)

        told = [(one.number, one.ended_by, one.error, one.run_after) for one in await self._attempts(store, job_id)]

        assert told == [(1, AttemptEnd.HAND_BACK, None, NOON), (1, AttemptEnd.HAND_BACK, "ground_lost: bucket", NOON)]

    async def test_attempts_that_were_taken_from_a_consumer_that_did_not_come_back(self, store: SqlStore) -> None:
        job_id = await one_job(store)
        for max_retries, begun, taken in ((3, NOON, SOON), (0, SOON, LATER)):
            await store.claim_next(now=begun, holder="web-1:7:abc")
            for _ in range(2):
                await store.rescue(started_before=taken, max_retries=max_retries, message="{name}", now=taken)

        first, last = await self._attempts(store, job_id)

        assert (first.number, first.consumer, first.ended_by) == (1, "web-1:7:abc", AttemptEnd.STALE)
        assert (first.began_at, first.ended_at, first.run_after) == (NOON, SOON, SOON)
        assert (last.number, last.ended_by, last.run_after) == (2, AttemptEnd.STALE, None)
        assert (last.error or "").startswith("stale: ")

    async def test_the_same_end_again_is_kept_once(self, store: SqlStore) -> None:
        job_id = await one_job(store)
        taken = await held(store)
        for _ in range(2):
            await store.retry_later(taken, error="e: busy", run_after=LATER, now=LATER)

        assert len(await self._attempts(store, job_id)) == 1

    async def test_a_job_that_is_handed_back_all_the_time_keeps_its_last_twenty(self, store: SqlStore) -> None:
        job_id = await one_job(store)
        for number in range(22):
            await store.release(await claim(store), reason=f"ground_lost: {number}", now=NOON)

        kept = [one.error for one in await self._attempts(store, job_id)]

        assert kept == [f"ground_lost: {number}" for number in range(2, 22)]

    async def test_attempts_are_forgotten_when_objects_of_that_time_are(self, store: SqlStore) -> None:
        job_id = await one_job(store)
        await store.release(await claim(store), now=NOON)
        await store.release(await claim(store), now=SOON)
        await store.begin_expiry(finished_before=NOON, abandoned_before=NOON, limit=9, now=LATER)
        assert len(await self._attempts(store, job_id)) == 2
        await store.begin_expiry(finished_before=SOON, abandoned_before=NOON, limit=9, now=LATER)

        assert [one.ended_at for one in await self._attempts(store, job_id)] == [SOON]
