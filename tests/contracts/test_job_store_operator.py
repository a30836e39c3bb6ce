"""What every JobStore promises to operators: stories and lists of jobs, many put back, one cancelled, an overview."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from devtools.seeds import LATER, NOON, URL, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.statements.group import Group
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.attempts import Attempt, AttemptEnd
from editqueue.domain.errors import Invalid
from editqueue.domain.files import File, FileStatus
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.job_store import Claim, JobQuery
from editqueue.ports.overview import Count, Lane, Throughput

SOON = NOON + timedelta(minutes=1)
SECOND = timedelta(seconds=1)


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


async def failed_job(store: SqlStore, *, user_id: str = "anna", error: str = "e: no", now: datetime = NOON) -> EditJob:
    await submit(store, await seed_files(store, await seed_order(store, user_id=user_id), 1), now=now)
    taken = await claim(store, now)
    await store.fail(taken, error=error, message="m", file_status=FileStatus.FAILED, now=now)
    failed = await store.job(taken.job.id)
    assert failed is not None
    return failed


class TestList:
    async def _found(self, store: SqlStore, **filters: Any) -> set[str]:
        return {job.id for job in await store.jobs(JobQuery(**filters))}

    async def test_by_customer_order_and_status(self, store: SqlStore) -> None:
        annas, berts = await failed_job(store), await failed_job(store, user_id="bert")
        order = await seed_order(store, user_id="bert")
        [waiting] = await submit(store, await seed_files(store, order, 1))

        assert await self._found(store, user_id="anna") == {annas.id}
        assert await self._found(store, user_id="bert") == {berts.id, waiting}
        assert await self._found(store, user_id="bert", status=JobStatus.QUEUED) == {waiting}
        assert await self._found(store, user_id="bert", order_id=order.id) == {waiting}
        assert await self._found(store, user_id="anna", order_id=order.id) == set()
        assert await self._found(store, user_id="carl") == set()

    async def test_by_the_code_of_the_error_whatever_the_status(self, store: SqlStore) -> None:
        failed = await failed_job(store, error="storage_unavailable: 503")
        await failed_job(store, error="storage_unavailable_not: 503")
        bare = await failed_job(store, error="file deleted")
        job_id = await one_job(store)
        await store.retry_later(await claim(store), error="storage_unavailable: 503", run_after=LATER, now=NOON)

        assert await self._found(store, error_code="storage_unavailable") == {failed.id, job_id}
        assert await self._found(store, error_code="storage_unavailable", status=JobStatus.FAILED) == {failed.id}
        assert await self._found(store, error_code="file deleted") == {bare.id}
        with pytest.raises(Invalid, match="a job that is done has no error"):
            await self._found(store, error_code="e", status=JobStatus.DONE)

    @pytest.mark.parametrize("filters", [{}, {"status": JobStatus.QUEUED}])
    async def test_by_when_it_was_submitted(self, store: SqlStore, filters: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        hour = timedelta(hours=1)
        files = await seed_files(store, await seed_order(store), 2)
        [old] = await submit(store, files[:1], now=now - 3 * hour)
        [young] = await submit(store, files[1:], now=now - hour)

        assert await self._found(store, since=now - 2 * hour, **filters) == {young}
        assert await self._found(store, older_than=now - 2 * hour, **filters) == {old}
        assert await self._found(store, since=now - 4 * hour, older_than=now, **filters) == {old, young}

    async def test_by_when_it_failed(self, store: SqlStore) -> None:
        first, second = await failed_job(store), await failed_job(store, now=SOON)
        status = JobStatus.FAILED

        assert await self._found(store, status=status, since=SOON) == {second.id}
        assert await self._found(store, status=status, older_than=SOON) == {first.id}
        assert await self._found(store, status=status, since=NOON, older_than=LATER) == {first.id, second.id}

    async def test_the_newest_first_page_by_page(self, store: SqlStore) -> None:
        jobs = [await failed_job(store) for _ in range(3)]

        first = await store.jobs(JobQuery(error_code="e", limit=2))
        rest = await store.jobs(JobQuery(error_code="e", limit=2, before_id=first[-1].id))

        assert [job.id for job in [*first, *rest]] == [job.id for job in reversed(jobs)]


class TestRetryMany:
    async def _retryable(self, store: SqlStore) -> Sequence[EditJob]:
        return await store.jobs(JobQuery(status=JobStatus.FAILED, may_be_retried=True))

    async def test_each_file_gets_a_new_job_and_a_second_time_none(self, store: SqlStore) -> None:
        failed = [await failed_job(store), await failed_job(store, user_id="bert")]
        assert {job.id for job in await self._retryable(store)} == {job.id for job in failed}

        made = await store.retry_jobs(failed, now=LATER)
        again = await store.retry_jobs(failed, now=LATER)

        assert [(job.file_id, job.user_id, job.status, job.attempts) for job in made] == [
            (job.file_id, job.user_id, "queued", 0) for job in failed
        ]
        assert list(again) == []
        assert await self._retryable(store) == []
        assert {file.status for file in await store.files([job.file_id for job in failed])} == {FileStatus.QUEUED}
        assert [(await claim(store, LATER)).job.id for _ in made] == [job.id for job in made]

    async def test_two_at_once_make_one_job_for_each_file(self, store: SqlStore) -> None:
        failed = [await failed_job(store) for _ in range(3)]

        made = await asyncio.gather(*(store.retry_jobs(failed, now=LATER) for _ in range(4)))

        assert sum(len(jobs) for jobs in made) == 3

    async def test_nothing_is_put_back_whose_file_was_edited_since_or_is_gone(self, store: SqlStore) -> None:
        done, failed_anew, deleted = [await failed_job(store) for _ in range(3)]
        [again, other] = await store.retry_jobs([done, failed_anew], now=SOON)
        for retried in (again, other):
            taken = await claim(store, SOON)
            assert taken.job.id == retried.id
            if retried is again:
                await store.finish(taken, preview_url=URL, bytes_copied=7, now=SOON)
            else:
                await store.fail(taken, error="e: no", message="m", file_status=FileStatus.FAILED, now=SOON)
        await store.delete_files([deleted.file_id], user_id="anna", now=SOON)

        assert [job.id for job in await self._retryable(store)] == [other.id]
        made = await store.retry_jobs([done, failed_anew, deleted], now=LATER)

        assert list(made) == []

    async def test_each_customer_gets_turns_of_their_own(self, store: SqlStore) -> None:
        failed = [await failed_job(store, user_id=user_id) for user_id in ("anna", "anna", "bert")]

        made = await store.retry_jobs(failed, now=LATER)

        assert [job.fair_order - LATER for job in made] == [timedelta(0), timedelta(seconds=30), timedelta(0)]


class TestCancel:
    async def _cancel(self, store: SqlStore, job_id: str) -> tuple[str | None, bool]:
        ended = await store.cancel_job(job_id, error="cancelled: by hand", message="{name}", now=LATER)
        return None if ended.job is None else ended.job.status.value, ended.done

    async def test_a_queued_job_fails_with_its_file_and_the_customer_is_told_once(self, store: SqlStore) -> None:
        job_id = await one_job(store)

        assert await self._cancel(store, job_id) == ("failed", True)
        assert await self._cancel(store, job_id) == ("failed", False)

        job = await store.job(job_id)
        assert job is not None
        [file] = await store.files([job.file_id])
        [note] = await store.notifications("anna", limit=9, before_id=None)
        assert (job.error, job.finished_at, job.attempts) == ("cancelled: by hand", LATER, 0)
        assert (file.status, file.locked) == (FileStatus.FAILED, False)
        assert (note.job_id, note.message) == (job_id, "bild.jpg")
        assert await store.claim_next(now=LATER) is None
        assert await submit(store, [file], now=LATER) != [job_id]

    async def test_a_running_one_is_left_alone(self, store: SqlStore) -> None:
        job_id = await one_job(store)
        taken = await claim(store)

        assert await self._cancel(store, job_id) == ("in_progress", False)

        await store.finish(taken, preview_url=URL, bytes_copied=7, now=LATER)
        assert await self._cancel(store, job_id) == ("done", False)
        assert await self._cancel(store, "nope") == (None, False)

    async def test_several_at_once_and_a_claim_agree_on_one_end(self, store: SqlStore) -> None:
        for _ in range(5):
            job_id = await one_job(store)
            claiming = asyncio.create_task(store.claim_next(now=LATER))
            ends = await asyncio.gather(
                *(store.cancel_job(job_id, error="e", message="m", now=LATER) for _ in range(3))
            )
            taken = await claiming
            done = [end.done for end in ends]
            assert done.count(True) == (0 if taken else 1)
            if taken:
                await store.finish(taken, preview_url=URL, bytes_copied=7, now=LATER)
        assert not await store.has_work()


async def by_hand(store: SqlStore, change: str) -> None:
    await store.send(Group(statements=(once(text(change)),), read=any))  # a function that any process knows


class TestLocksWithoutAJob:
    """A file whose original was missing is queued without a job, so that all files would have to be looked at."""

    LOCK = "UPDATE files SET status = 'in_progress', locked = TRUE WHERE status = 'done'"
    UNLOCK = "UPDATE files SET status = 'done', locked = FALSE WHERE locked"

    async def _with_a_file_without_a_job(self, store: SqlStore) -> File:
        """And another one that is done. What the Worker's store has seen in the test before is forgotten."""
        await store.reset_stale_locks(now=NOON)
        missing, done = files = await seed_files(store, await seed_order(store), 2)
        await submit(store, files)
        await store.fail(
            await claim(store), error="raw_missing: x", message="m", file_status=FileStatus.QUEUED, now=NOON
        )
        await store.finish(await claim(store), preview_url=URL, bytes_copied=7, now=NOON)
        assert [file.status for file in await store.files([missing.id, done.id])] == ["queued", "done"]
        return missing

    async def _seen(self, store: SqlStore, now: datetime) -> tuple[int, int, int]:
        """Locks without a job, and files queued and in progress."""
        stats = await store.queue_stats(now=now)
        assert (await store.overview(now=now)).stats == stats
        return stats.stale_locks, stats.files["queued"], stats.files["in_progress"]

    @pytest.mark.parametrize("step", [timedelta(minutes=5), -timedelta(minutes=5)])
    async def test_are_looked_for_once_in_five_minutes_by_whatever_clock(
        self, store: SqlStore, step: timedelta
    ) -> None:
        await self._with_a_file_without_a_job(store)
        assert await self._seen(store, NOON) == (0, 1, 0)
        await by_hand(store, self.LOCK)

        assert await self._seen(store, NOON + step - step / 300) == (0, 2, 0)
        assert await self._seen(store, NOON + step) == (1, 1, 1)
        await by_hand(store, self.UNLOCK)
        assert await self._seen(store, NOON + step + SECOND) == (1, 0, 1)
        assert await self._seen(store, NOON + step + step) == (0, 1, 0)

    async def test_are_seen_at_once_when_there_was_nothing_to_look_at_before(self, store: SqlStore) -> None:
        missing = await self._with_a_file_without_a_job(store)
        await submit(store, [missing])
        assert await self._seen(store, NOON) == (0, 1, 0)
        await by_hand(store, self.LOCK)

        assert await self._seen(store, NOON) == (1, 1, 1)

    async def test_are_none_at_once_when_every_file_has_its_job_again(self, store: SqlStore) -> None:
        missing = await self._with_a_file_without_a_job(store)
        await by_hand(store, self.LOCK)
        assert await self._seen(store, NOON) == (1, 1, 1)
        await by_hand(store, self.UNLOCK)
        await submit(store, [missing])

        assert await self._seen(store, NOON) == (0, 1, 0)

    async def test_are_reset_and_counted_anew_without_any_wait(self, store: SqlStore) -> None:
        await self._with_a_file_without_a_job(store)
        assert await self._seen(store, NOON) == (0, 1, 0)
        await by_hand(store, self.LOCK)

        assert len(await store.reset_stale_locks(now=NOON)) == 1
        await by_hand(store, self.LOCK.replace("'done'", "'queued'"))
        assert await self._seen(store, NOON) == (2, 0, 2)
        assert len(await store.reset_stale_locks(now=NOON)) == 2
        assert await self._seen(store, NOON) == (0, 2, 0)


class TestOverview:
    async def test_there_is_nothing_to_see_in_an_empty_one(self, store: SqlStore) -> None:
        seen = await store.overview(now=LATER)

        assert seen.stats == await store.queue_stats(now=LATER)
        none = Count(number=0, is_all=True)
        assert seen.throughput == Throughput(minute=none, five_minutes=none, fifteen_minutes=none)
        assert seen.lanes == [Lane(express=express, waiting=none, oldest=None) for express in (True, False)]
        assert not seen.consumers
        assert [*seen.running, *seen.failures, *seen.customers, *seen.pauses] == []

    async def test_each_lane_tells_how_many_may_run_and_since_when(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 4)
        await submit(store, files[:2], express=True, now=SOON)
        await submit(store, files[2:], now=NOON)
        await store.retry_later(await claim(store, SOON), error="e: x", run_after=LATER, now=SOON)

        express, others = (await store.overview(now=SOON)).lanes

        assert (express.waiting, express.oldest) == (Count(number=1, is_all=True), SOON)
        assert (others.waiting, others.oldest) == (Count(number=2, is_all=True), NOON)

    async def test_what_ended_lately_is_counted_by_how_long_ago(self, store: SqlStore) -> None:
        for minutes in (0, 4, 4, 14, 16):
            await failed_job(store, now=LATER - timedelta(minutes=minutes))

        ended = (await store.overview(now=LATER)).throughput

        spans = (ended.minute, ended.five_minutes, ended.fifteen_minutes)
        assert spans == tuple(Count(number=number, is_all=True) for number in (1, 3, 4))

    async def test_a_file_counts_as_ended_by_its_job_and_not_by_its_deletion(self, store: SqlStore) -> None:
        ended = await failed_job(store, now=LATER)
        files = await seed_files(store, await seed_order(store), 2)
        await submit(store, files)
        await store.delete_files([ended.file_id, *(file.id for file in files)], user_id="anna", now=LATER + SECOND)

        counted = (await store.overview(now=LATER + SECOND)).throughput

        assert counted.minute == Count(number=1, is_all=True)

    async def test_who_works_on_what_and_since_when_the_longest_first(self, store: SqlStore) -> None:
        for consumer, began in (("web-1:7:abc", SOON), (None, NOON)):
            await one_job(store)
            await store.claim_next(now=began, holder=consumer)

        running = (await store.overview(now=LATER)).running

        assert [(job.consumer, job.file_name, job.user_id, job.attempt, job.started_at) for job in running] == [
            (None, "bild.jpg", "anna", 1, NOON),
            ("web-1:7:abc", "bild.jpg", "anna", 1, SOON),
        ]

    async def test_failed_attempts_the_last_first_and_none_that_was_handed_back(self, store: SqlStore) -> None:
        failed = await failed_job(store, user_id="bert", error="e: bad")
        job_id = await one_job(store)
        await store.retry_later(await claim(store), error="e: busy", run_after=SOON, now=SOON)
        await store.release(await claim(store, SOON), now=SOON)

        failures = (await store.overview(now=LATER)).failures

        assert [(one.job_id, one.user_id, one.number, one.ended_by, one.run_after) for one in failures] == [
            (job_id, "anna", 1, "retry", SOON),
            (failed.id, "bert", 1, "fail", None),
        ]

    async def test_the_customers_who_wait_longest_whatever_their_lanes_and_turns(self, store: SqlStore) -> None:
        for number, user_id in enumerate(("carl", "anna", "bert")):
            files = await seed_files(store, await seed_order(store, user_id=user_id), 3)
            await submit(store, files[:1], express=True, now=NOON + timedelta(seconds=number))
            await submit(store, files[1:], now=NOON + timedelta(seconds=60 - 10 * number))
        await claim(store)

        waiting = (await store.overview(now=LATER)).customers

        assert [(one.user_id, one.jobs, one.since - NOON) for one in waiting] == [
            ("anna", 3, timedelta(seconds=1)),
            ("bert", 3, timedelta(seconds=2)),
            ("carl", 2, timedelta(seconds=60)),
        ]

    async def test_who_is_paused_and_why(self, store: SqlStore) -> None:
        pause = ConsumerPause(consumer="web-1", ground="bucket", reason="no such folder", since=NOON, seen_at=LATER)
        await store.record_pause(pause)

        assert (await store.overview(now=LATER + timedelta(minutes=1))).pauses == [pause]
        assert (await store.overview(now=LATER + timedelta(minutes=9))).pauses == []
