"""The cron tick: what it does without any message, and what does not stop it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from devtools.seeds import claim, submit
from devtools.world import World, keys_of, original
from editqueue.domain.errors import PermanentError, StorageUnavailable
from editqueue.use_cases.consumer import expire_objects
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.consumer.sweep import sweep
from editqueue.use_cases.consumer.verdict import Retry

STALE = timedelta(minutes=16)
OLD = timedelta(days=91)


@dataclass
class BucketClock:
    """The bucket's own clock: the world's, unless it is put off."""

    world: World
    off: timedelta = timedelta(0)

    async def tell(self) -> datetime:
        return self.world.clock.now() + self.off


@pytest.fixture(autouse=True, name="bucket_clock")
def _bucket_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> BucketClock:
    clock = BucketClock(world)
    monkeypatch.setattr(world.bucket, "now", clock.tell, raising=False)
    return clock


class Away:
    """Something of which the named methods cannot be reached."""

    def __init__(self, inner: object, *methods: str, error: Exception | None = None) -> None:
        self._inner = inner
        self._error = error or StorageUnavailable("away")
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        return self._fail if name in self._methods else getattr(self._inner, name)

    async def _fail(self, *_: object, **__: object) -> Any:
        raise self._error


class GuardedBucket:
    """A bucket that never lets go of `kept`."""

    def __init__(self, inner: Any, kept: str) -> None:
        self._inner = inner
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def delete(self, keys: Sequence[str]) -> None:
        if self._kept in keys:
            raise PermanentError("access denied")
        await self._inner.delete(keys)


async def test_with_a_batch_of_none_it_hands_stale_jobs_out_again_and_begins_no_job(world: World) -> None:
    ports = replace(world.ports, limits=replace(world.ports.limits, sweep_batch=0))
    [stale, waiting] = await world.submitted(2)
    taken = await claim(world.store, world.clock.now())
    world.clock.advance(STALE)

    report = await sweep(ports)

    assert (report.requeued, report.processed) == (1, 0)
    assert [(await world.job(file)).status for file in (stale, waiting)] == ["queued", "queued"]
    [message] = await ports.queue.receive(limit=9, wait=timedelta(seconds=9))
    assert message.job_id == taken.job.id, "whoever works elsewhere is woken"


async def test_does_the_work_when_no_message_ever_arrives(world: World) -> None:
    files = await world.submitted(3)

    report = await sweep(world.ports)

    assert (report.requeued, report.processed, report.expired) == (0, 3, 0)
    assert {(await world.file(one)).status for one in files} == {"done"}


async def test_works_on_ten_jobs_and_leaves_the_rest_to_the_next_tick(world: World) -> None:
    await world.submitted(12)

    assert [(await sweep(world.ports)).processed for _ in range(3)] == [10, 2, 0]


class OneClaim:
    """A store that lets one job be claimed and is away then."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._left = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def claim_next(self, **words: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise StorageUnavailable("away")
        return await self._inner.claim_next(**words)


async def test_reports_the_jobs_it_worked_on_before_the_database_went_away(world: World) -> None:
    await world.submitted(3)

    store: Any = OneClaim(world.store)
    report = await sweep(replace(world.ports, store=store))

    assert report.processed == 1


async def test_takes_jobs_back_from_a_worker_that_did_not_return(world: World) -> None:
    [file] = await world.submitted(1)
    await claim(world.store)
    world.clock.advance(STALE)

    report = await sweep(world.ports)

    job = await world.job(file)
    assert (report.requeued, report.processed) == (1, 1)
    assert (job.status, job.attempts) == ("done", 2)
    assert world.journal.causes() == ["stale", "claim", "finish"]


async def test_leaves_a_job_alone_that_may_still_be_running(world: World) -> None:
    [file] = await world.submitted(1)
    await claim(world.store)
    world.clock.advance(timedelta(minutes=14))

    report = await sweep(world.ports)

    assert (report.requeued, report.processed) == (0, 0)
    assert (await world.file(file)).locked is True


class TestRetention:
    async def test_removes_what_was_made_and_keeps_the_original(self, world: World) -> None:
        [file] = await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(OLD)

        report = await sweep(world.ports)

        after = await world.file(file)
        assert report.expired == 1
        assert [*await world.objects()] == [file.object_key]
        assert await world.bucket.read(file.object_key) == original(file)
        assert (after.preview_url, after.status) == (None, "done")

    async def test_removes_what_an_attempt_made_of_a_file_that_was_deleted_before_the_next(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error = StorageUnavailable("503")
        assert isinstance(await process_next(world.ports), Retry)
        await world.store.delete_files([file.id], user_id="anna", now=world.clock.now())
        assert keys_of(file).processed in await world.objects()
        world.clock.advance(timedelta(days=89))
        assert (await sweep(world.ports)).expired == 0
        world.clock.advance(timedelta(days=2))

        report = await sweep(world.ports)

        assert report.expired == 1
        assert [*await world.objects()] == [file.object_key]

    async def test_keeps_what_is_younger(self, world: World) -> None:
        await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(timedelta(days=89))

        assert (await sweep(world.ports)).expired == 0
        assert len(await world.objects()) == 3

    async def test_happens_once(self, world: World) -> None:
        await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(OLD)

        assert [(await sweep(world.ports)).expired for _ in range(2)] == [1, 0]

    async def test_a_file_sent_again_afterwards_is_made_again(self, world: World) -> None:
        [file] = await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(OLD)
        await sweep(world.ports)

        await submit(world.store, [file], now=world.clock.now())
        await process_next(world.ports)

        assert (await world.file(file)).preview_url is not None
        assert len(await world.objects()) == 3

    @pytest.mark.parametrize(("count_of_files", "expired"), [(5, 5), (7, 6)])
    async def test_one_tick_retires_several_batches(
        self, world: World, monkeypatch: pytest.MonkeyPatch, count_of_files: int, expired: int
    ) -> None:
        monkeypatch.setattr(expire_objects, "BATCH", 2)
        monkeypatch.setattr(expire_objects, "BATCHES", 3)
        await world.submitted(count_of_files)
        await sweep(world.ports)
        world.clock.advance(OLD)

        assert (await sweep(world.ports)).expired == expired
        assert (await sweep(world.ports)).expired == count_of_files - expired

    @pytest.mark.parametrize(("seconds", "expired"), [(10, 3), (20, 2), (40, 1)])
    async def test_a_tick_that_takes_long_leaves_the_next_batch_to_the_next_one(
        self, world: World, monkeypatch: pytest.MonkeyPatch, seconds: int, expired: int
    ) -> None:
        monkeypatch.setattr(expire_objects, "BATCH", 1)
        await world.submitted(3)
        await sweep(world.ports)
        world.clock.advance(OLD)
        delete = world.bucket.delete

        async def delete_slowly(keys: Sequence[str]) -> None:
            world.clock.advance(timedelta(seconds=seconds))
            await delete(keys)

        bucket: Any = Replaced(world.bucket, "delete", delete_slowly)

        assert (await sweep(replace(world.ports, bucket=bucket))).expired == expired

    async def test_after_a_batch_that_failed_in_part_none_is_begun(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each that is begun keeps revisions of its files waiting for 15 minutes."""
        monkeypatch.setattr(expire_objects, "BATCH", 2)
        await world.submitted(5)
        await sweep(world.ports)
        world.clock.advance(OLD)
        refused: list[Sequence[str]] = []

        async def refuse(keys: Sequence[str]) -> None:
            refused.append(keys)
            raise PermanentError("the token may not delete")

        bucket: Any = Replaced(world.bucket, "delete", refuse)

        assert (await sweep(replace(world.ports, bucket=bucket))).expired == 0
        assert len(refused) == 2

    async def test_once_stopped_no_batch_is_begun(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(expire_objects, "BATCH", 2)
        await world.submitted(5)
        await sweep(world.ports)
        world.clock.advance(OLD)
        stops = iter([False] * 2 + [True] * 10)

        assert (await sweep(world.ports, stopped=lambda: next(stops))).expired == 2

    @pytest.mark.parametrize("stale_after", [timedelta(seconds=90), timedelta(minutes=15)])
    async def test_an_expiry_that_comes_late_leaves_alone_what_may_be_of_a_newer_edit(
        self, world: World, stale_after: timedelta
    ) -> None:
        await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(OLD)
        begin = world.store.begin_expiry

        async def begin_and_be_stopped(**given: Any) -> object:
            due = await begin(**given)
            world.clock.advance(stale_after)
            return due

        store: Any = Replaced(world.store, "begin_expiry", begin_and_be_stopped)
        limits = replace(world.ports.limits, stale_after=stale_after)

        report = await sweep(replace(world.ports, store=store, limits=limits))

        assert report.expired == 0
        assert len(await world.objects()) == 3

    @pytest.mark.parametrize("tries", [1, 3], ids=["at once", "after two outages"])
    async def test_what_a_stopped_sweep_deletes_of_a_newer_edit_when_it_goes_on_is_made_again(
        self, world: World, tries: int
    ) -> None:
        [file] = await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(OLD)
        delete, copy = world.bucket.delete, world.bucket.copy
        outages = count(1)

        async def delete_late(keys: Sequence[str]) -> None:
            world.clock.advance(STALE)
            assert (await sweep(world.ports)).expired == 1
            await submit(world.store, [file], now=world.clock.now())
            await process_next(world.ports)
            await delete(keys)
            bucket.copy = copy_after_outages

        async def copy_after_outages(*given: Any, **named: Any) -> None:
            if next(outages) < tries:
                raise StorageUnavailable("the bucket is away")
            await copy(*given, **named)

        bucket: Any = Replaced(world.bucket, "delete", delete_late)

        report = await sweep(replace(world.ports, bucket=bucket))

        assert (report.expired, world.journal.warnings) == (0, ["expired_too_late"] * tries)
        assert len(await world.objects()) == 3
        assert (await world.file(file)).preview_url is not None

    async def test_what_a_stopped_sweep_deletes_a_second_time_stays_deleted(self, world: World) -> None:
        [file] = await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(OLD)
        delete = world.bucket.delete

        async def delete_late(keys: Sequence[str]) -> None:
            world.clock.advance(STALE)
            assert (await sweep(world.ports)).expired == 1
            await delete(keys)

        bucket: Any = Replaced(world.bucket, "delete", delete_late)

        await sweep(replace(world.ports, bucket=bucket))

        assert [*await world.objects()] == [file.object_key]
        assert world.journal.warnings == []

    async def test_one_object_that_cannot_be_removed_does_not_keep_the_others(self, world: World) -> None:
        files = await world.submitted(3)
        await sweep(world.ports)
        world.clock.advance(OLD)
        bucket: Any = GuardedBucket(world.bucket, keys_of(files[0]).preview)

        report = await sweep(replace(world.ports, bucket=bucket))

        assert report.expired == 2
        assert [type(error) for _, error in world.journal.errors] == [PermanentError]
        world.clock.advance(STALE)
        assert (await sweep(world.ports)).expired == 1


class Replaced:
    """Something of which one method is another one."""

    def __init__(self, inner: Any, name: str, method: Any) -> None:
        self._inner = inner
        setattr(self, name, method)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Leftovers:
    """A bucket that remembers how old leftovers had to be."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.before: list[datetime] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def remove_leftovers(self, *, before: datetime) -> int:
        self.before.append(before)
        return 0


class TestClocks:
    @pytest.mark.parametrize("wrong", ["ours", "the bucket's"])
    async def test_nothing_is_retired_on_the_word_of_one_clock(
        self, world: World, bucket_clock: BucketClock, wrong: str
    ) -> None:
        [file] = await world.submitted(1)
        await sweep(world.ports)
        bucket_clock.off = OLD
        if wrong == "ours":
            world.clock.advance(OLD)
            bucket_clock.off = -OLD

        report = await sweep(world.ports)

        assert report.expired == 0
        assert (await world.file(file)).preview_url is not None
        assert len(await world.objects()) == 3
        assert world.journal.warnings == ["clocks_differ"]

    async def test_an_expiry_under_a_clock_that_is_a_little_ahead_is_settled(
        self, world: World, bucket_clock: BucketClock
    ) -> None:
        await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(OLD)
        bucket_clock.off = -timedelta(minutes=20)

        assert (await sweep(world.ports)).expired == 1

    @pytest.mark.parametrize("off", [timedelta(hours=2), timedelta(hours=-2)])
    async def test_leftovers_are_old_by_both_clocks(
        self, world: World, bucket_clock: BucketClock, off: timedelta
    ) -> None:
        bucket_clock.off = off
        bucket: Any = Leftovers(world.bucket)

        await sweep(replace(world.ports, bucket=bucket))

        assert bucket.before == [min(world.clock.now(), world.clock.now() + off) - timedelta(hours=1)]

    @pytest.mark.parametrize("seconds", [29, -29])
    async def test_a_small_difference_is_not_worth_a_line(
        self, world: World, bucket_clock: BucketClock, seconds: int
    ) -> None:
        bucket_clock.off = timedelta(seconds=seconds)

        await sweep(world.ports)

        assert world.journal.warnings == []

    async def test_nothing_is_deleted_while_the_bucket_does_not_tell_its_time(self, world: World) -> None:
        [file] = await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(OLD)
        bucket: Any = Away(world.bucket, "now", "remove_leftovers", error=StorageUnavailable("no time"))

        report = await sweep(replace(world.ports, bucket=bucket))

        assert report.expired == 0
        assert (await world.file(file)).preview_url is not None
        assert [str(error) for _, error in world.journal.errors] == ["no time"]


class TestOnePartFails:
    async def test_requeueing_does_not_stop_the_work(self, world: World) -> None:
        await world.submitted(1)
        store: Any = Away(world.store, "rescue")

        assert (await sweep(replace(world.ports, store=store))).processed == 1

    async def test_the_work_does_not_stop_retention(self, world: World) -> None:
        await world.submitted(1)
        await sweep(world.ports)
        world.clock.advance(OLD)
        store: Any = Away(world.store, "claim_next")

        report = await sweep(replace(world.ports, store=store))

        assert (report.processed, report.expired) == (0, 1)
        assert len(world.journal.errors) == 1

    async def test_not_even_an_error_that_nobody_thought_of_stops_the_others(self, world: World) -> None:
        await world.submitted(1)
        store: Any = Away(world.store, "rescue", "begin_expiry", error=KeyError("a bug"))

        assert (await sweep(replace(world.ports, store=store))).processed == 1
        assert [type(error) for _, error in world.journal.errors] == [KeyError] * 2

    async def test_everything_away_is_an_empty_report(self, world: World) -> None:
        store: Any = Away(world.store, "claim_next", "rescue", "begin_expiry")
        bucket: Any = Away(world.bucket, "remove_leftovers")

        report = await sweep(replace(world.ports, store=store, bucket=bucket))

        assert (report.requeued, report.processed, report.expired, report.leftovers) == (0, 0, 0, 0)
        assert len(world.journal.errors) == 4


async def test_two_sweeps_at_once_do_everything_once(world: World) -> None:
    await world.submitted(12)
    await claim(world.store)
    world.clock.advance(STALE)

    reports = await asyncio.gather(sweep(world.ports), sweep(world.ports))

    assert sum(one.requeued for one in reports) == 1
    assert sum(one.processed for one in reports) == 12
    assert len(await world.notes()) == 12
    assert len(world.images.calls) == 12
