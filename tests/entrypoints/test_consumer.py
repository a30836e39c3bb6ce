"""The consumer's loop: messages, none, bad ones, stopping, and a database that goes away."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, cast

import pytest

from devtools.patience import PATIENCE
from devtools.seeds import NOON, claim
from devtools.world import FakeImages, World, keys_of
from editqueue.domain.errors import ImageWorkerDied, StorageUnavailable
from editqueue.domain.files import File
from editqueue.entrypoints.consumer import Consumer
from editqueue.ports import Ports
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.image_tools import Preview
from editqueue.ports.job_queue import Message
from editqueue.ports.time import Clock

HOUR = timedelta(hours=1)


class WatchedQueue:
    """A queue that says when its consumer has nothing left to take."""

    idle_poll = HOUR

    def __init__(self, *messages: Message) -> None:
        self.waiting = [*messages]
        self.done: list[Message] = []
        self.again: list[Any] = []
        self.idle = asyncio.Event()
        self.empty_answers = 0

    async def send(self, job_ids: Any) -> None:
        self.waiting += [Message(job_id=one, receipt=one) for one in job_ids]

    async def receive(self, *, limit: int, wait: timedelta) -> list[Message]:
        if self.waiting:
            return [self.waiting.pop(0)]
        if self.empty_answers:
            self.empty_answers -= 1
            return []
        self.idle.set()
        await asyncio.Event().wait()
        return []

    async def settle(self, *, done: Any = (), again: Any = ()) -> None:
        self.done += done
        self.again += again

    async def close(self) -> None:
        pass


class Outage:
    """A store or queue whose named methods fail as long as there are `failures` left."""

    def __init__(self, inner: object, *methods: str, failures: int, error: Exception | None = None) -> None:
        self.inner = inner
        self.error = error or StorageUnavailable("away")
        self.methods = methods
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        if name in self.methods and self.failures > 0:
            return self._fail
        return getattr(self.inner, name)

    async def _fail(self, *_: object, **__: object) -> Any:
        self.failures -= 1
        raise self.error


class Replaced:
    """Something of which one method does `instead`."""

    def __init__(self, inner: object, method: str, instead: Any) -> None:
        self.inner = inner
        self.method = method
        self.instead = instead

    def __getattr__(self, name: str) -> Any:
        return self.instead if name == self.method else getattr(self.inner, name)


def just_missed(store: Any) -> Any:
    """A store whose jobs came a moment after the consumer's first look, so that only their messages tell of them."""
    looks = count()

    async def claim_next(**given: Any) -> Any:
        return await store.claim_next(**given) if next(looks) else None

    return Replaced(store, "claim_next", claim_next)


def consumer(
    ports: Ports, *, grace: timedelta = HOUR, concurrency: int = 1, sweep_interval: timedelta = HOUR
) -> Consumer:
    return Consumer(ports=ports, sweep_interval=sweep_interval, grace=grace, concurrency=concurrency)


@asynccontextmanager
async def running(
    ports: Ports, *, grace: timedelta = HOUR, concurrency: int = 1, sweep_interval: timedelta = HOUR
) -> AsyncGenerator[Consumer]:
    made = consumer(ports, grace=grace, concurrency=concurrency, sweep_interval=sweep_interval)
    task = asyncio.create_task(made.run())
    yield made
    made.stop.set()
    await task


def message_for(job_id: str | None, receipt: str = "r") -> Message:
    return Message(job_id=job_id, receipt=receipt)


async def queue_for(world: World, files: list[File]) -> WatchedQueue:
    return WatchedQueue(*[message_for((await world.job(one)).id) for one in files])


class TestMessages:
    async def test_each_wakes_the_consumer_for_one_job_and_is_settled(self, world: World) -> None:
        files = await world.submitted(3)
        queue = await queue_for(world, files)

        async with running(replace(world.ports, queue=queue)):
            await queue.idle.wait()

        assert [(await world.file(one)).status for one in files] == ["done"] * 3
        assert len(queue.done) == 3
        assert queue.again == []

    async def test_one_that_is_not_ours_is_settled_and_noted(self, world: World) -> None:
        [file] = await world.submitted(1)
        queue = WatchedQueue(message_for(None, "spam"))

        async with running(replace(world.ports, store=just_missed(world.store), queue=queue)):
            await queue.idle.wait()

        assert [one.receipt for one in queue.done] == ["spam"]
        assert world.journal.warnings == ["message_not_ours"]
        assert (await world.file(file)).status == "queued"

    async def test_duplicates_are_settled_without_a_second_run(self, world: World) -> None:
        [file] = await world.submitted(1)
        queue = WatchedQueue(*[message_for((await world.job(file)).id)] * 5)

        async with running(replace(world.ports, queue=queue)):
            await queue.idle.wait()

        assert len(queue.done) == 5
        assert len(world.images.calls) == len(await world.notes()) == 1

    async def test_one_for_a_job_that_must_wait_comes_again_later(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.error = StorageUnavailable("503")
        queue = await queue_for(world, [file])

        async with running(replace(world.ports, queue=queue)):
            await queue.idle.wait()

        assert [one.delay for one in queue.again] == [timedelta(seconds=15)]
        assert queue.done == []

    async def test_without_any_the_database_is_asked(self, world: World) -> None:
        files = await world.submitted(3)
        queue = WatchedQueue()
        queue.empty_answers = 1

        async with running(replace(world.ports, queue=queue)):
            await queue.idle.wait()

        assert [(await world.file(one)).status for one in files] == ["done"] * 3

    async def test_concurrency_works_on_several_jobs_at_a_time(self, world: World) -> None:
        files = await world.submitted(2)
        world.images.gate = asyncio.Event()
        queue = await queue_for(world, files)

        async with running(replace(world.ports, queue=queue), concurrency=2):
            await world.images.crowd(2)
            assert [(await world.file(one)).locked for one in files] == [True, True]
            world.images.gate.set()
            await queue.idle.wait()

        assert [(await world.file(one)).status for one in files] == ["done"] * 2


class TestStart:
    @pytest.mark.parametrize("concurrency", [1, 4])
    async def test_looks_at_the_database_before_any_message(self, world: World, concurrency: int) -> None:
        files = await world.submitted(6)
        world.images.gate = asyncio.Event()
        queue = WatchedQueue()

        async with running(replace(world.ports, queue=queue), concurrency=concurrency):
            await world.images.crowd(concurrency)
            world.images.gate.set()
            await world.images.crowd(len(files))
            await queue.idle.wait()

        assert len(world.images.calls) == len(files)

    async def test_several_workers_look_once_where_nothing_is_to_do(self, world: World) -> None:
        looks = count()

        async def claim_next(**_: Any) -> None:
            next(looks)

        queue = WatchedQueue()
        store = Replaced(world.store, "claim_next", claim_next)
        async with running(replace(world.ports, store=cast("Any", store), queue=queue), concurrency=8):
            await queue.idle.wait()

        assert next(looks) <= 1

    async def test_takes_stale_jobs_back_first(self, world: World) -> None:
        [file] = await world.submitted(1)
        await claim(world.store)
        world.clock.advance(timedelta(minutes=16))

        await consumer(world.ports).drain()

        assert ((await world.file(file)).status, (await world.job(file)).attempts) == ("done", 2)
        assert world.journal.causes() == ["stale", "claim", "finish"]

    async def test_drain_ends_when_the_last_retry_is_over(self, world: World) -> None:
        files = await world.submitted(2)
        world.images.errors[files[0].object_key] = StorageUnavailable("503")

        await consumer(world.ports).drain()

        assert [(await world.file(one)).status for one in files] == ["failed", "done"]
        assert (await world.job(files[0])).attempts == 4
        assert not await world.store.has_work()

    async def test_drain_ends_at_once_with_nothing_to_do(self, world: World) -> None:
        await consumer(world.ports).drain()

        assert world.pause.waits in ([], [HOUR.total_seconds()])


class TestStop:
    async def test_within_the_grace_the_running_job_is_finished(self, world: World) -> None:
        files = await world.submitted(2)
        world.images.gate = asyncio.Event()
        worker = consumer(world.ports)
        task = asyncio.create_task(worker.drain())
        await world.images.entered.wait()

        worker.stop.set()
        world.images.gate.set()
        await task

        assert [(await world.file(one)).status for one in files] == ["done", "queued"]

    async def test_after_the_grace_it_is_handed_back_unspent(self, world: World) -> None:
        files = await world.submitted(2)
        world.images.gate = asyncio.Event()
        worker = consumer(world.ports, grace=timedelta(0))
        task = asyncio.create_task(worker.drain())
        await world.images.entered.wait()

        worker.stop.set()
        await task

        assert [(await world.file(one)).locked for one in files] == [False, False]
        assert [((one.status, one.attempts)) for one in await world.jobs()] == [("queued", 0)] * 2
        assert keys_of(files[0]).preview not in await world.objects()

    async def test_a_message_that_comes_with_it_is_left_to_the_next_consumer(self, world: World) -> None:
        [file] = await world.submitted(1)
        worker = consumer(world.ports)

        class LastMinute(WatchedQueue):
            async def receive(self, *, limit: int, wait: timedelta) -> list[Message]:
                worker.stop.set()
                return await super().receive(limit=limit, wait=wait)

        queue = LastMinute(message_for((await world.job(file)).id))
        await replace(worker, ports=replace(world.ports, store=just_missed(world.store), queue=queue)).run()

        assert (await world.file(file)).status == "queued"
        assert [one.delay for one in queue.again] == [timedelta(0)]

    async def test_while_waiting_for_messages_it_ends_at_once(self, world: World) -> None:
        queue = WatchedQueue()

        async with running(replace(world.ports, queue=queue)):
            await queue.idle.wait()

        assert asyncio.all_tasks() == {asyncio.current_task()}

    @pytest.mark.parametrize("method", ["begin_expiry", "has_work"])
    async def test_a_cancellation_that_a_database_turns_into_an_error_still_ends_it(
        self, world: World, method: str
    ) -> None:
        entered = asyncio.Event()

        async def fail_when_cancelled(**_: object) -> None:
            entered.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise RuntimeError("cannot roll back") from None

        store: Any = Replaced(world.store, method, fail_when_cancelled)
        task = asyncio.create_task(consumer(replace(world.ports, store=store)).drain())
        await entered.wait()

        task.cancel()
        await asyncio.wait([task], timeout=PATIENCE)

        assert task.cancelled()

    async def test_cancelled_it_leaves_no_task_behind(self, world: World) -> None:
        queue = WatchedQueue()
        task = asyncio.create_task(consumer(replace(world.ports, queue=queue)).run())
        await queue.idle.wait()

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert asyncio.all_tasks() == {asyncio.current_task()}


class TestPause:
    """Database, bucket or image tools are away."""

    async def test_costs_nobody_an_attempt_and_is_told_twice(self, world: World) -> None:
        files = await world.submitted(3)
        images = AwayFor(world.images, looks=5)

        await consumer(replace(world.ports, images=cast("Any", images))).drain()

        assert [((await world.file(file)).status, (await world.job(file)).attempts) for file in files] == [
            ("done", 1)
        ] * 3
        assert world.journal.pauses == ["paused images", "resumed images"]
        assert world.journal.errors == []
        assert images.refused == 1

    async def test_ends_within_five_seconds_after_all_is_there_again(self, world: World) -> None:
        await world.submitted(1)

        await consumer(replace(world.ports, images=cast("Any", AwayFor(world.images, looks=500)))).drain()

        assert max(wait for wait in world.pause.waits if wait <= 60) <= 5

    async def test_is_that_of_all_workers(self, world: World) -> None:
        await world.submitted(20)
        images = AwayFor(world.images, looks=20)

        await consumer(replace(world.ports, images=cast("Any", images)), concurrency=4).drain()

        assert {(job.status, job.attempts) for job in await world.jobs()} == {("done", 1)}
        assert world.journal.pauses == ["paused images", "resumed images"]
        assert images.refused <= 4

    async def test_messages_that_met_it_come_again_and_no_job_waits_for_them(self, world: World) -> None:
        files = await world.submitted(3)
        queue = await queue_for(world, files)

        images = cast("Any", AwayFor(world.images, looks=5))
        async with running(replace(world.ports, store=just_missed(world.store), queue=queue, images=images)):
            await queue.idle.wait()

        assert [(await world.file(file)).status for file in files] == ["done"] * 3
        assert len(queue.again) == 1

    async def test_is_in_the_database_for_whoever_asks(self, world: World) -> None:
        await world.submitted(1)
        images = AwayFor(world.images, looks=90)
        seen: list[ConsumerPause] = []

        async def look() -> None:
            seen.extend(await world.store.pauses(seen_after=world.clock.now() - timedelta(minutes=3)))

        images.looked = look
        await consumer(replace(world.ports, images=cast("Any", images))).drain()

        assert {(pause.ground, pause.reason) for pause in seen} == {("images", "image_worker_died: away")}
        assert len({pause.seen_at for pause in seen}) > 1, "written down again as long as it lasts"
        assert await world.store.pauses(seen_after=NOON) == []

    @pytest.mark.parametrize("method", ["record_pause", "end_pause"])
    async def test_outlasts_a_defect_while_it_is_written_down(self, world: World, method: str) -> None:
        [file] = await world.submitted(1)
        store: Any = Outage(world.store, method, failures=1, error=ValueError("a bug"))
        images = cast("Any", AwayFor(world.images, looks=3))

        await consumer(replace(world.ports, store=store, images=images)).drain()

        assert (await world.file(file)).status == "done"
        assert [type(error) for _, error in world.journal.errors] == [ValueError]

    async def test_does_not_keep_a_full_bucket_from_being_emptied(self, world: World) -> None:
        """What is too old is removed meanwhile: that may be what ends the pause."""
        [file] = await world.submitted(1)
        removed = asyncio.Event()

        class Full(Replaced):
            async def write(self, *_: object, **__: object) -> None:
                if not removed.is_set():
                    raise StorageUnavailable("no space left")

            async def probe(self) -> None:
                await self.write()

            async def remove_leftovers(self, **_: object) -> int:
                removed.set()
                return 1

        bucket: Any = Full(world.bucket, "", None)
        await consumer(replace(world.ports, bucket=bucket)).drain()

        assert removed.is_set()
        assert ((await world.file(file)).status, (await world.job(file)).attempts) == ("done", 1)

    async def test_begins_without_any_job_when_the_bucket_is_away(self, world: World) -> None:
        noticed, back = asyncio.Event(), asyncio.Event()

        class Away(Replaced):
            async def now(self) -> datetime:
                if not back.is_set():
                    raise StorageUnavailable("not mounted")
                return world.clock.now()

            async def probe(self) -> None:
                noticed.set()
                await self.now()

        bucket: Any = Away(world.bucket, "", None)
        ports = replace(world.ports, bucket=bucket, queue=WatchedQueue())
        async with running(ports, concurrency=2, sweep_interval=timedelta(seconds=1)):
            await noticed.wait()
            back.set()
            async with asyncio.timeout(PATIENCE):
                while "resumed bucket" not in world.journal.pauses:  # noqa: ASYNC110  # a journal tells nobody
                    await asyncio.sleep(0)

        assert world.journal.pauses == ["paused bucket", "resumed bucket"]

    async def test_can_be_ended_by_a_signal(self, world: World) -> None:
        [file] = await world.submitted(1)
        paused = asyncio.Event()

        async def pause(_seconds: float) -> None:
            paused.set()
            await asyncio.Event().wait()

        images = cast("Any", AwayFor(world.images, looks=10**9))
        worker = consumer(replace(world.ports, images=images, pause=pause))
        ending = asyncio.create_task(worker.drain())
        await paused.wait()

        worker.stop.set()
        await ending

        assert ((await world.job(file)).status, (await world.job(file)).attempts) == ("queued", 0)
        assert await world.store.pauses(seen_after=NOON) == []


class AwayFor:
    """Image tools that fail until they were probed `looks` times."""

    def __init__(self, inner: FakeImages, *, looks: int) -> None:
        self.inner = inner
        self.looks = looks
        self.refused = 0
        self.looked: Callable[[], Awaitable[None]] | None = None

    async def make_preview(self, key: str) -> Preview:
        if self.looks > 0:
            self.refused += 1
            raise ImageWorkerDied("away")
        return await self.inner.make_preview(key)

    async def probe(self) -> None:
        self.looks -= 1
        if self.looked is not None:
            await self.looked()
        if self.looks > 0:
            raise ImageWorkerDied("away")


class UnsetClock:
    """Tells no time to the first `questions`."""

    def __init__(self, inner: Clock, *, questions: int) -> None:
        self.inner = inner
        self.questions = questions

    def now(self) -> datetime:
        self.questions -= 1
        if self.questions >= 0:
            raise StorageUnavailable("the database has not told its time yet")
        return self.inner.now()


class TestOutage:
    @pytest.mark.parametrize("away", ["database", "images"])
    async def test_work_begins_once_the_time_is_known_and_all_is_there(self, world: World, away: str) -> None:
        [file] = await world.submitted(1)
        store: Any = Outage(world.store, "probe", failures=9 if away == "database" else 0)
        images: Any = AwayFor(world.images, looks=9 if away == "images" else 0)
        clock = UnsetClock(world.clock, questions=6)

        await consumer(replace(world.ports, store=store, images=images, clock=clock)).drain()

        assert ((await world.file(file)).status, (await world.job(file)).attempts) == ("done", 1)
        assert world.journal.pauses == [f"paused {away}", f"resumed {away}"]

    async def test_a_claim_that_keeps_failing_is_tried_again_with_growing_pauses(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = Outage(world.store, "claim_next", failures=7, error=RuntimeError("a defect"))
        queue = await queue_for(world, [file])
        queue.empty_answers = 8

        async with running(replace(world.ports, store=store, queue=queue)):
            await queue.idle.wait()

        assert (await world.file(file)).status == "done"
        assert [wait for wait in world.pause.waits if wait <= 60] == [1, 2, 4, 8, 16, 30, 30]

    async def test_a_database_that_answers_again_waits_for_nobody_longer_than_a_second(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = Outage(world.store, "claim_next", failures=6)
        queue = await queue_for(world, [file])
        queue.empty_answers = 8

        async with running(replace(world.ports, store=store, queue=queue)):
            await queue.idle.wait()

        assert (await world.file(file)).status == "done"
        assert [wait for wait in world.pause.waits if wait <= 60] == [0.1, 0.2, 0.4, 0.8, 1, 1]

    async def test_one_that_fails_for_many_hours_is_still_tried(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = Outage(world.store, "claim_next", failures=1100, error=RuntimeError("a defect"))

        await consumer(replace(world.ports, store=store)).drain()

        assert (await world.file(file)).status == "done"
        assert max(wait for wait in world.pause.waits if wait <= 60) == 30

    async def test_a_database_that_is_gone_is_one_pause(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = Outage(world.store, "claim_next", "probe", failures=1100)

        await consumer(replace(world.ports, store=store)).drain()

        assert (await world.file(file)).status == "done"
        assert world.journal.pauses == ["paused database", "resumed database"]
        assert max(wait for wait in world.pause.waits if wait <= 60) <= 5

    @pytest.mark.parametrize("method", ["claim_next", "rescue", "begin_expiry"])
    async def test_an_error_nobody_thought_of_does_not_end_the_consumer(self, world: World, method: str) -> None:
        [file] = await world.submitted(1)
        store: Any = Outage(world.store, method, failures=1, error=KeyError("a bug"))
        queue = await queue_for(world, [file])
        queue.empty_answers = 2

        async with running(replace(world.ports, store=store, queue=queue)):
            await queue.idle.wait()

        assert (await world.file(file)).status == "done"
        assert [type(error) for _, error in world.journal.errors] == [KeyError]

    async def test_a_queue_that_fails_is_waited_for(self, world: World) -> None:
        [file] = await world.submitted(1)
        inner = await queue_for(world, [file])
        queue: Any = Outage(inner, "receive", "settle", failures=3, error=ConnectionError("reset"))
        inner.empty_answers = 1

        async with running(replace(world.ports, queue=queue)):
            await inner.idle.wait()

        assert (await world.file(file)).status == "done"

    async def test_the_sweep_goes_on_after_one_that_failed(self, world: World) -> None:
        ticks = asyncio.Semaphore(0)

        async def pause(_seconds: float) -> None:
            ticks.release()
            await asyncio.sleep(0)

        store: Any = Outage(world.store, "begin_expiry", "rescue", failures=4, error=KeyError("a bug"))
        async with running(replace(world.ports, store=store, queue=WatchedQueue(), pause=pause)):
            for _ in range(5):
                await ticks.acquire()

        assert [type(error) for _, error in world.journal.errors][:4] == [KeyError] * 4

    async def test_one_that_is_gone_at_the_start_is_no_reason_to_end(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = Outage(world.store, "rescue", failures=1)
        queue = await queue_for(world, [file])

        async with running(replace(world.ports, store=store, queue=queue)):
            await queue.idle.wait()

        assert (await world.file(file)).status == "done"

    async def test_drain_survives_it_too(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = Outage(world.store, "claim_next", "has_work", failures=3)

        await consumer(replace(world.ports, store=store)).drain()

        assert (await world.file(file)).status == "done"
