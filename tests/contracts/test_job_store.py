"""What every JobStore promises."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from devtools.seeds import LATER, NOON, URL, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import ClaimLost
from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.ids import new_id
from editqueue.domain.jobs import JobStatus
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.job_store import Claim, FileQuery, JobQuery, Renaming


class TestSubmit:
    async def test_makes_a_queued_job_for_every_file(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 3)

        await submit(store, files)

        queue_stats = await store.queue_stats(now=NOON)
        assert queue_stats.jobs["queued"] == queue_stats.files["queued"] == 3
        assert queue_stats.oldest_eligible == NOON

    async def test_gives_the_same_jobs_to_a_double_click(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 3)

        assert await submit(store, files) == await submit(store, files)

    async def test_answers_with_the_running_job_of_a_locked_file(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 1)
        [job_id] = await submit(store, files)
        await claim(store)

        assert await submit(store, files) == [job_id]

    async def test_makes_a_new_job_after_the_old_one_is_done(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 1)
        [first] = await submit(store, files)
        await store.finish(await claim(store), preview_url=URL, bytes_copied=7, now=NOON)

        assert await submit(store, files) != [first]

    @pytest.mark.parametrize("flaw", ["unknown", "unmarked", "deleted", "foreign", "other order"])
    async def test_changes_nothing_when_one_id_does_not_fit(self, store: SqlStore, flaw: str) -> None:
        order = await seed_order(store)
        good = await seed_files(store, order, 2)
        bad = await self._bad(store, flaw, order.id)

        made = await store.submit(
            [good[0].id, bad, good[1].id], order_id=order.id, user_id="anna", express=False, notes="neu", now=NOON
        )

        after = await store.order(order.id)
        assert (list(made.jobs), list(made.new)) == ([], [])
        assert after is not None
        assert after.notes is None
        assert (await store.queue_stats(now=NOON)).jobs["queued"] == 0
        assert {one.status for one in await store.files([one.id for one in good])} == {FileStatus.UPLOADED}

    async def _bad(self, store: SqlStore, flaw: str, order_id: str) -> str:
        if flaw == "unknown":
            return new_id()
        order = await store.order(order_id)
        assert order is not None
        if flaw == "foreign":
            order = await seed_order(store, user_id="bert")
        if flaw == "other order":
            order = await seed_order(store)
        [file] = await seed_files(store, order, 1, marked=flaw != "unmarked")
        if flaw == "deleted":
            await store.delete_files([file.id], user_id="anna", now=NOON)
        return file.id

    async def test_the_database_itself_refuses_a_second_active_job(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 1)
        await submit(store, files)

        revision = await store.revise(files[0].id, user_id="anna", note="heller", now=NOON)

        assert revision.job is None


class TestClaim:
    async def test_locks_the_file_and_spends_an_attempt(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 1)
        await submit(store, files)

        taken = await claim(store)

        assert (taken.job.status, taken.job.attempts, taken.job.started_at) == ("in_progress", 1, NOON)
        assert (taken.file.status, taken.file.locked) == ("in_progress", True)
        assert await store.claim_next(now=NOON) is None

    async def test_takes_the_oldest_first(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 5)
        for number, file in enumerate(reversed(files)):
            await submit(store, [file], now=NOON + timedelta(seconds=number))

        taken = [(await claim(store, LATER)).file.id for _ in files]

        assert taken == [one.id for one in reversed(files)]

    async def test_keeps_the_order_of_one_submit(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 5)
        await submit(store, files)

        assert [(await claim(store)).file.id for _ in files] == [one.id for one in files]

    async def test_takes_express_before_others(self, store: SqlStore) -> None:
        usual, urgent = await seed_files(store, await seed_order(store), 2)
        await submit(store, [usual])
        await submit(store, [urgent], express=True, now=LATER)

        assert (await claim(store, LATER)).file.id == urgent.id

    async def test_does_not_let_one_customer_starve_another(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 50))
        [single] = await seed_files(store, await seed_order(store, user_id="bert"), 1)
        await submit(store, [single], now=NOON + timedelta(seconds=45))

        first = [(await claim(store, LATER)).file.id for _ in range(3)]

        assert first[-1] == single.id

    async def test_finds_a_new_job_though_the_consumers_clock_is_a_little_behind(self, store: SqlStore) -> None:
        """Woken at once, a consumer would leave a job of the future alone."""
        [file] = await seed_files(store, await seed_order(store), 1)
        await submit(store, [file], now=NOON)

        assert await store.claim_next(now=NOON - timedelta(milliseconds=900)) is not None

    async def test_waits_for_run_after(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        await store.retry_later(await claim(store), error="x", run_after=LATER, now=NOON)

        assert await store.claim_next(now=LATER - timedelta(milliseconds=1)) is None
        assert (await claim(store, LATER)).job.attempts == 2

    async def test_gives_every_job_to_one_of_many_claimers(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 30))

        taken = await asyncio.gather(*(store.claim_next(now=NOON) for _ in range(60)))

        ids = [one.job.id for one in taken if one is not None]
        assert (len(ids), len(set(ids))) == (30, 30)


class TestLanes:
    """Express jobs go before others, but while both wait every fifth job that starts is one of the others."""

    async def test_of_five_jobs_that_start_while_both_wait_the_last_is_not_express(self, store: SqlStore) -> None:
        await self._wait(store, express=40, others=10)

        assert await self._started(store, 50) == "EEEEO" * 10

    async def test_what_waits_alone_is_not_held_back_and_keeps_its_order(self, store: SqlStore) -> None:
        express = await self._wait(store, express=7, others=0)
        assert [(await claim(store)).job.id for _ in range(7)] == express

        others = await self._wait(store, express=0, others=7)

        assert [(await claim(store)).job.id for _ in range(7)] == others
        assert await store.claim_next(now=NOON) is None

    async def test_what_started_alone_is_not_held_against_its_lane(self, store: SqlStore) -> None:
        await self._wait(store, express=0, others=3)
        assert await self._started(store, 3) == "OOO"
        await self._wait(store, express=3, others=0)
        assert await self._started(store, 3) == "EEE"

        await self._wait(store, express=5, others=2)

        assert await self._started(store, 7) == "EEEEOEO"

    async def test_both_lanes_keep_their_order(self, store: SqlStore) -> None:
        express, others = await self._wait(store, express=8, others=0), await self._wait(store, express=0, others=2)

        taken = [(await claim(store)).job for _ in range(10)]

        assert [job.id for job in taken if job.express] == express
        assert [job.id for job in taken if not job.express] == others

    async def test_a_job_that_is_not_due_does_not_wait(self, store: SqlStore) -> None:
        await self._wait(store, express=0, others=1)
        await store.retry_later(await claim(store), error="x", run_after=LATER, now=NOON)

        await self._wait(store, express=5, others=0)

        assert await self._started(store, 5) == "EEEEE"

    async def _wait(self, store: SqlStore, *, express: int, others: int) -> list[str]:
        """Queue so many jobs, of a customer each. Returns their ids."""
        made: list[str] = []
        for user_id, count in (("anna", express), ("bert", others)):
            if count:
                files = await seed_files(store, await seed_order(store, user_id=user_id), count)
                made += await submit(store, files, express=user_id == "anna")
        return made

    async def _started(self, store: SqlStore, count: int) -> str:
        """The lanes of the next jobs that start: E for express, O for the others."""
        return "".join(["E" if (await claim(store)).job.express else "O" for _ in range(count)])


class TestTheEndOfAClaim:
    async def test_finish_publishes_unlocks_and_notifies_once(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)

        await store.finish(taken, preview_url=URL, bytes_copied=7, now=LATER)

        [file] = await store.files([taken.file.id])
        job = await store.job(taken.job.id)
        [note] = await store.notifications("anna", limit=10, before_id=None)
        assert (file.status, file.locked, file.preview_url) == ("done", False, URL)
        assert job is not None
        assert (job.status, job.finished_at, job.bytes_copied) == ("done", LATER, 7)
        assert (note.type, note.job_id) == (NotificationType.EDIT_DONE, job.id)
        assert "„bild.jpg“" in note.message

    async def test_fail_keeps_the_error_and_asks_for_a_revision(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)

        await store.fail(taken, error="weg", message="{name}!", file_status=FileStatus.QUEUED, now=NOON)

        [file] = await store.files([taken.file.id])
        job = await store.job(taken.job.id)
        [note] = await store.notifications("anna", limit=10, before_id=None)
        assert (file.status, file.locked) == ("queued", False)
        assert job is not None
        assert (job.status, job.error) == ("failed", "weg")
        assert (note.type, note.message) == (NotificationType.REVISION_REQUIRED, "bild.jpg!")

    async def test_hand_back_spends_no_attempt(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))

        await store.release(await claim(store), now=NOON)

        again = await claim(store)
        assert again.job.attempts == 1

    @pytest.mark.parametrize("verb", ["finish", "fail", "retry_later", "hand_back"])
    async def test_a_late_worker_changes_nothing(self, store: SqlStore, verb: str) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        late = await claim(store)
        await store.rescue(started_before=LATER, max_retries=3, message="{name}", now=LATER)
        current = await claim(store, LATER)
        before = await self._everything(store, current)

        with pytest.raises(ClaimLost):
            await self._end(store, verb, late)

        assert await self._everything(store, current) == before

    async def _everything(self, store: SqlStore, taken: Claim) -> object:
        notes = await store.notifications("anna", limit=10, before_id=None)
        return await store.files([taken.file.id]), await store.job(taken.job.id), notes

    async def _end(self, store: SqlStore, verb: str, taken: Claim) -> None:
        if verb == "finish":
            await store.finish(taken, preview_url="r2://b/late", bytes_copied=1, now=LATER)
        elif verb == "fail":
            await store.fail(taken, error="e", message="m", file_status=FileStatus.FAILED, now=LATER)
        elif verb == "retry_later":
            await store.retry_later(taken, error="e", run_after=LATER, now=LATER)
        else:
            await store.release(taken, now=LATER)

    @pytest.mark.parametrize("verb", ["finish", "fail", "retry_later", "hand_back"])
    async def test_the_same_end_again_changes_nothing_and_is_no_error(self, store: SqlStore, verb: str) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)
        await self._end(store, verb, taken)
        before = await self._everything(store, taken)

        await self._end(store, verb, taken)

        assert await self._everything(store, taken) == before

    async def test_the_same_end_again_leaves_the_work_that_followed_alone(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)
        await self._end(store, "finish", taken)
        await store.revise(taken.file.id, user_id="anna", note="heller", now=LATER)
        revision = await claim(store, LATER)
        before = await self._everything(store, revision)

        await self._end(store, "finish", taken)

        assert await self._everything(store, revision) == before

    @pytest.mark.parametrize("verb", ["fail", "retry_later", "hand_back"])
    async def test_another_end_of_a_finished_claim_is_refused(self, store: SqlStore, verb: str) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)
        await self._end(store, "finish", taken)
        before = await self._everything(store, taken)

        with pytest.raises(ClaimLost):
            await self._end(store, verb, taken)

        assert await self._everything(store, taken) == before


class TestStale:
    async def test_requeues_and_unlocks_what_runs_too_long(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 2))
        old = await claim(store)
        young = await claim(store, LATER)

        [job] = await store.rescue(started_before=LATER, max_retries=3, message="{name}", now=LATER)

        unlocked, locked = await store.files([old.file.id, young.file.id])
        assert (job.id, job.status) == (old.job.id, JobStatus.QUEUED)
        assert (unlocked.locked, locked.locked) == (False, True)

    async def test_fails_a_job_that_has_no_attempt_left(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)

        [job] = await store.rescue(started_before=LATER, max_retries=0, message="{name}", now=LATER)

        [file] = await store.files([taken.file.id])
        [note] = await store.notifications("anna", limit=10, before_id=None)
        assert (job.status, file.status, file.locked, note.message) == ("failed", "failed", False, "bild.jpg")

    async def test_two_sweeps_at_once_requeue_once(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        await claim(store)

        found = await asyncio.gather(
            *(store.rescue(started_before=LATER, max_retries=3, message="m", now=LATER) for _ in range(5))
        )

        assert sum(len(one) for one in found) == 1


class TestHolders:
    async def test_a_claim_names_its_holder(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 2))
        named = await store.claim_next(now=NOON, holder="web-1:7:abc")
        nameless = await store.claim_next(now=NOON)

        assert named is not None
        assert nameless is not None
        assert (named.job.holder, nameless.job.holder) == ("web-1:7:abc", None)

    async def test_who_claims_a_job_anew_holds_it(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        first = await store.claim_next(now=NOON, holder="web-1:7:abc")
        assert first is not None
        await store.release(first, now=NOON)

        assert (await claim(store)).job.holder is None

    async def test_a_job_that_waits_names_no_holder(self, store: SqlStore) -> None:
        """A program of the version before claims without a word of it, and lives by no lock of ours."""
        await submit(store, await seed_files(store, await seed_order(store), 3))
        released, retried, stale = [await store.claim_next(now=NOON, holder="web-1:7:abc") for _ in range(3)]
        assert released is not None
        assert retried is not None
        assert stale is not None
        await store.release(released, now=NOON)
        await store.retry_later(retried, error="later", run_after=LATER, now=NOON)
        await store.rescue(started_before=LATER, max_retries=3, message="{name}", now=LATER)

        assert {(job.status, job.holder) for job in await store.jobs(JobQuery())} == {("queued", None)}

    async def test_a_consumer_that_nobody_knows_is_neither_gone_nor_alive(self, store: SqlStore) -> None:
        """On D1 that is everybody."""
        await submit(store, await seed_files(store, await seed_order(store), 1))
        await store.claim_next(now=NOON, holder="web-1:7:abc")

        assert await store.gone_holders() == []
        assert not await store.living_consumers()


class TestMutations:
    async def test_a_locked_file_refuses_every_change_for_all(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 2)
        await submit(store, files[:1])
        await claim(store)
        ids = [one.id for one in files]
        before = await store.files(ids)
        renamings = [Renaming(file_id=i, old_name="bild.jpg", ver=1, new_name="neu.jpg") for i in ids]

        await store.mark_files(ids, user_id="anna", marked=False, now=LATER)
        await store.delete_files(ids, user_id="anna", now=LATER)
        renamed = await store.rename_files(renamings, user_id="anna", now=LATER)
        revision = await store.revise(ids[0], user_id="anna", note="n", now=LATER)
        await store.approve_file(ids[0], user_id="anna", now=LATER)

        assert (renamed.done, revision.job) == (False, None)
        assert await store.files(ids) == before

    async def test_deleting_a_queued_file_ends_its_job_silently(self, store: SqlStore) -> None:
        files = await seed_files(store, await seed_order(store), 1)
        [job_id] = await submit(store, files)

        await store.delete_files([files[0].id], user_id="anna", now=LATER)

        job = await store.job(job_id)
        assert job is not None
        assert (job.status, job.error) == (JobStatus.FAILED, "file deleted")
        assert await store.notifications("anna", limit=9, before_id=None) == []
        assert await store.claim_next(now=LATER) is None

    async def test_rename_is_refused_when_the_name_has_changed_meanwhile(self, store: SqlStore) -> None:
        [file] = await seed_files(store, await seed_order(store), 1)
        stale = Renaming(file_id=file.id, old_name="anders.jpg", ver=1, new_name="neu.jpg")
        fresh = Renaming(file_id=file.id, old_name="bild.jpg", ver=1, new_name="neu.jpg")

        assert not (await store.rename_files([stale], user_id="anna", now=NOON)).done
        assert (await store.rename_files([fresh], user_id="anna", now=NOON)).done
        assert [one.name for one in await store.files([file.id])] == ["neu.jpg"]

    async def test_nobody_changes_another_users_files(self, store: SqlStore) -> None:
        [file] = await seed_files(store, await seed_order(store), 1)

        await store.delete_files([file.id], user_id="bert", now=LATER)
        await store.mark_files([file.id], user_id="bert", marked=False, now=LATER)

        [after] = await store.files([file.id])
        assert (after.deleted_at, after.marked) == (None, True)

    async def test_a_revision_raises_ver_and_withdraws_the_approval(self, store: SqlStore) -> None:
        [file] = await seed_files(store, await seed_order(store), 1)
        await submit(store, [file])
        await store.finish(await claim(store), preview_url=URL, bytes_copied=7, now=NOON)
        await store.approve_file(file.id, user_id="anna", now=NOON)

        revision = await store.revise(file.id, user_id="anna", note="heller", now=LATER)

        [after] = await store.files([file.id])
        assert revision.job is not None
        assert (revision.job.note, after.ver, after.approved, after.status) == ("heller", 2, False, "queued")


class TestExpiry:
    async def _done(self, store: SqlStore) -> Claim:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)
        await store.finish(taken, preview_url=URL, bytes_copied=7, now=NOON)
        return taken

    async def test_takes_old_files_once_and_clears_the_pointer(self, store: SqlStore) -> None:
        taken = await self._done(store)
        window = {"finished_before": LATER, "abandoned_before": NOON, "now": LATER}

        [expiry] = await store.begin_expiry(limit=9, **window)
        again = await store.begin_expiry(limit=9, **window)
        settled = await store.settle_expiry(expiry, now=LATER)

        [file] = await store.files([taken.file.id])
        assert (list(again), settled, file.preview_url, file.status) == ([], True, None, FileStatus.DONE)

    async def test_no_job_is_claimed_while_its_objects_are_removed(self, store: SqlStore) -> None:
        taken = await self._done(store)
        [expiry] = await store.begin_expiry(finished_before=LATER, abandoned_before=NOON, limit=9, now=LATER)
        await store.revise(taken.file.id, user_id="anna", note="neu", now=LATER)

        assert await store.claim_next(now=LATER) is None
        await store.settle_expiry(expiry, now=LATER)
        assert (await claim(store, LATER)).file.id == taken.file.id

    @pytest.mark.parametrize("end", ["retry", "hand-back", "stale"])
    async def test_takes_a_file_that_was_deleted_between_two_attempts(self, store: SqlStore, end: str) -> None:
        [file] = await seed_files(store, await seed_order(store), 1)
        await submit(store, [file])
        taken = await claim(store)
        if end == "retry":
            await store.retry_later(taken, error="e", run_after=LATER, now=NOON)
        elif end == "hand-back":
            await store.release(taken, now=NOON)
        else:
            await store.rescue(started_before=LATER, max_retries=3, message="m", now=NOON)
        await store.delete_files([file.id], user_id="anna", now=LATER)

        assert await self._due(store, LATER) == []
        assert await self._due(store, LATER + timedelta(seconds=1)) == [file.id]

    async def test_a_deletion_does_not_make_older_objects_live_longer(self, store: SqlStore) -> None:
        taken = await self._done(store)
        await store.delete_files([taken.file.id], user_id="anna", now=LATER)

        assert await self._due(store, LATER) == [taken.file.id]

    async def test_leaves_a_deleted_file_alone_that_was_never_sent_off(self, store: SqlStore) -> None:
        [file] = await seed_files(store, await seed_order(store), 1)
        await store.delete_files([file.id], user_id="anna", now=NOON)

        assert await self._due(store, LATER) == []

    async def _due(self, store: SqlStore, finished_before: datetime) -> list[str]:
        due = await store.begin_expiry(finished_before=finished_before, abandoned_before=NOON, limit=9, now=LATER)
        return [expiry.file.id for expiry in due]

    async def test_keeps_what_is_young(self, store: SqlStore) -> None:
        await self._done(store)

        assert not await store.begin_expiry(finished_before=NOON, abandoned_before=NOON, limit=9, now=LATER)


class TestBooks:
    async def test_files_are_listed_by_index_with_filters(self, store: SqlStore) -> None:
        order = await seed_order(store)
        files = await seed_files(store, order, 5)
        await store.mark_files([files[1].id], user_id="anna", marked=False, now=NOON)

        page = await store.list_files(FileQuery(order_id=order.id, after_index=1, limit=2))
        unmarked = await store.list_files(FileQuery(order_id=order.id, marked=False))

        assert [one.index for one in page] == [2, 3]
        assert [one.id for one in unmarked] == [files[1].id]

    async def test_files_made_at_once_get_different_indexes(self, store: SqlStore) -> None:
        order = await seed_order(store)

        made = await asyncio.gather(*(seed_files(store, order, 1, marked=False) for _ in range(10)))

        assert sorted(one.index for [one] in made) == list(range(1, 11))

    async def test_a_lock_without_a_job_is_found_and_reset(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)

        assert await store.reset_stale_locks(now=NOON) == []
        await store.release(taken, now=NOON)
        assert (await store.queue_stats(now=NOON)).stale_locks == 0

    async def test_a_failed_job_can_be_retried_once(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        taken = await claim(store)
        await store.fail(taken, error="e", message="m", file_status=FileStatus.FAILED, now=NOON)

        first = await store.retry_job(taken.job.id, now=LATER)
        second = await store.retry_job(taken.job.id, now=LATER)

        assert first is not None
        assert second is None
        assert (await claim(store, LATER)).job.id == first.id

    async def test_has_work_until_every_job_has_ended(self, store: SqlStore) -> None:
        await submit(store, await seed_files(store, await seed_order(store), 1))
        assert await store.has_work()

        await store.finish(await claim(store), preview_url=URL, bytes_copied=7, now=NOON)

        assert not await store.has_work()


class TestPauses:
    PAUSE = ConsumerPause(consumer="web-1", ground="bucket", reason="no such folder", since=NOON, seen_at=NOON)

    async def test_tells_who_waits_and_why_the_longest_first(self, store: SqlStore) -> None:
        late = replace(self.PAUSE, consumer="web-0", ground="images", since=LATER, seen_at=LATER)
        await store.record_pause(late)
        await store.record_pause(self.PAUSE)

        assert await store.pauses(seen_after=NOON - timedelta(seconds=1)) == [self.PAUSE, late]

    async def test_a_pause_takes_the_place_of_an_earlier_one_of_the_same_consumer(self, store: SqlStore) -> None:
        await store.record_pause(self.PAUSE)
        now = replace(self.PAUSE, ground="images", reason="no worker", seen_at=LATER)

        await store.record_pause(now)

        assert await store.pauses(seen_after=NOON) == [now]

    async def test_a_consumer_that_has_not_said_so_lately_is_left_out(self, store: SqlStore) -> None:
        await store.record_pause(self.PAUSE)

        assert await store.pauses(seen_after=NOON) == []

    async def test_a_pause_that_ends_is_forgotten_and_that_of_others_is_not(self, store: SqlStore) -> None:
        other = replace(self.PAUSE, consumer="web-2")
        await store.record_pause(self.PAUSE)
        await store.record_pause(other)

        await store.end_pause("web-1")
        await store.end_pause("web-1")

        assert await store.pauses(seen_after=NOON - timedelta(seconds=1)) == [other]

    async def test_consumers_that_have_said_nothing_for_a_day_are_forgotten(self, store: SqlStore) -> None:
        dead = replace(self.PAUSE, consumer="web-0")
        alive = replace(self.PAUSE, consumer="web-2", seen_at=NOON + timedelta(milliseconds=1))
        await store.record_pause(dead)
        await store.record_pause(alive)
        now = replace(self.PAUSE, seen_at=alive.seen_at + timedelta(days=1))

        await store.record_pause(now)

        assert await store.pauses(seen_after=NOON - timedelta(days=1)) == [now, alive]

    async def test_a_long_reason_is_cut(self, store: SqlStore) -> None:
        await store.record_pause(replace(self.PAUSE, reason="ä" * 1000))

        [kept] = await store.pauses(seen_after=NOON - timedelta(seconds=1))
        assert kept.reason == "ä" * 500
