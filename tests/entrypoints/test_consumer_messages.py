"""No wake-up is lost: what becomes of a message when its job must wait, its worker ends, or something is away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from devtools.cloudflare_queue.world import cloudflare_world
from devtools.patience import PATIENCE
from devtools.seeds import claim, seed_files, seed_order
from devtools.world import World
from editqueue.domain.errors import QueueUnavailable, StorageUnavailable
from editqueue.domain.files import File
from editqueue.domain.ids import new_id
from editqueue.entrypoints import consumer as entrypoint
from editqueue.entrypoints.consumer import AFTER_FAILURE, Consumer
from editqueue.ports.job_store import Claim
from editqueue.use_cases.consumer.answer_message import PASSED_OVER
from editqueue.use_cases.consumer.rescue import rescue
from editqueue.use_cases.customer.submit_edits import submit_edits
from tests.entrypoints.test_consumer import (
    Outage,
    Replaced,
    WatchedQueue,
    consumer,
    just_missed,
    message_for,
    queue_for,
    running,
)

NOW = timedelta(0)


def delays(queue: WatchedQueue) -> list[timedelta]:
    return [one.delay for one in queue.again]


def recorded_timers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, Callable[[], object]]]:
    """Seconds and callback of each timer that the event loop gets from now on."""
    timers: list[tuple[float, Callable[[], object]]] = []
    loop = asyncio.get_running_loop()
    call_later: Callable[..., asyncio.TimerHandle] = loop.call_later

    def record(delay: float, callback: Callable[..., object], *args: object, **given: Any) -> asyncio.TimerHandle:
        timers.append((delay, partial(callback, *args)))
        return call_later(delay, callback, *args, **given)

    monkeypatch.setattr(loop, "call_later", record)
    return timers


class TestAMessageThatFindsNothingToClaim:
    async def test_comes_again_when_its_own_job_may_run(self, world: World) -> None:
        [file] = await world.submitted(1)
        claimed = await claim(world.store)
        due = world.clock.now() + timedelta(seconds=240)
        await world.store.retry_later(claimed, error="503", run_after=due, now=world.clock.now())
        queue = await queue_for(world, [file])

        async with running(replace(world.ports, queue=queue)):
            await queue.idle.wait()

        assert delays(queue) == [timedelta(seconds=240)]
        assert queue.done == []

    async def test_comes_again_soon_when_its_job_was_passed_over(self, world: World) -> None:
        [file] = await world.submitted(1)

        async def skip(**_: object) -> Claim | None:
            return None

        store: Any = Replaced(world.store, "claim_next", skip)
        queue = await queue_for(world, [file])

        async with running(replace(world.ports, store=store, queue=queue)):
            await queue.idle.wait()

        assert delays(queue) == [PASSED_OVER]

    async def test_is_spent_when_somebody_else_works_on_its_job(self, world: World) -> None:
        [file] = await world.submitted(1)
        await claim(world.store)
        queue = await queue_for(world, [file])

        async with running(replace(world.ports, queue=queue)):
            await queue.idle.wait()

        assert (len(queue.done), queue.again) == (1, [])

    async def test_is_spent_when_nobody_knows_its_job(self, world: World) -> None:
        queue = WatchedQueue(message_for(new_id()))

        async with running(replace(world.ports, queue=queue)):
            await queue.idle.wait()

        assert (len(queue.done), queue.again) == (1, [])


class TestAJobThatALookFound:
    """Its message may have come while it was in progress, and is spent then."""

    @pytest.mark.parametrize("concurrency", [1, 3])
    async def test_is_looked_for_again_when_its_retry_is_due(
        self, world: World, monkeypatch: pytest.MonkeyPatch, concurrency: int
    ) -> None:
        [file] = await world.submitted(1)
        world.images.errors[file.object_key] = StorageUnavailable("503")
        timers = recorded_timers(monkeypatch)
        queue = WatchedQueue()

        async with running(replace(world.ports, queue=queue), concurrency=concurrency):
            await _until(lambda: _waits_for_its_retry(world, file))
            world.images.errors.clear()
            delay = (await world.job(file)).run_after - world.clock.now()
            await _until(lambda: _is_set(timers, delay))
            world.clock.advance(delay)
            [due] = [callback for seconds, callback in timers if seconds == delay.total_seconds()]
            due()
            await _until(lambda: _all_done(world, [file]))

        assert len(world.images.calls) == 2


class TestAWorkerThatEnds:
    async def test_gives_its_message_back_at_once(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()
        queue = await queue_for(world, [file])
        worker = consumer(replace(world.ports, store=just_missed(world.store), queue=queue), grace=NOW)
        task = asyncio.create_task(worker.run())
        await world.images.entered.wait()

        worker.stop.set()
        await task

        assert ((await world.job(file)).status, (await world.job(file)).attempts) == ("queued", 0)
        assert (delays(queue), queue.done) == ([NOW], [])

    async def test_ends_though_the_queue_does_not_take_it(self, world: World) -> None:
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()
        queue: Any = Outage(await queue_for(world, [file]), "settle", failures=9, error=QueueUnavailable("503"))
        worker = consumer(replace(world.ports, store=just_missed(world.store), queue=queue), grace=NOW)
        task = asyncio.create_task(worker.run())
        await world.images.entered.wait()

        worker.stop.set()
        await task

        assert [type(error) for _, error in world.journal.errors] == [QueueUnavailable]

    async def test_says_so_when_the_queue_does_not_answer(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        async def never(**_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(entrypoint, "LEAVING", 0)
        [file] = await world.submitted(1)
        world.images.gate = asyncio.Event()
        queue: Any = Replaced(await queue_for(world, [file]), "settle", never)
        worker = consumer(replace(world.ports, store=just_missed(world.store), queue=queue), grace=NOW)
        task = asyncio.create_task(worker.run())
        await world.images.entered.wait()

        worker.stop.set()
        await task

        assert [str(error) for _, error in world.journal.errors] == ["the queue took no message back within 0 s"]

    async def test_and_all_it_had_pulled_goes_back_to_cloudflare(self, world: World) -> None:
        files = await world.submitted(4)
        world.images.gate = asyncio.Event()
        async with cloudflare_world(clock=world.clock) as there:
            await there.queue.send([(await world.job(one)).id for one in files])
            ports = replace(world.ports, store=just_missed(world.store), queue=there.queue)
            worker = consumer(ports, grace=NOW)
            task = asyncio.create_task(worker.run())
            await world.images.entered.wait()
            assert there.server.queue.leased == 4

            worker.stop.set()
            await task
            await there.queue.close()

            assert (there.server.queue.backlog, there.server.queue.leased) == (4, 0)
            assert {one.visible_at for one in there.server.queue.messages.values()} == {world.clock.now().timestamp()}


class TestOutages:
    async def test_a_message_that_meets_a_database_out_of_reach_comes_again(self, world: World) -> None:
        [file] = await world.submitted(1)
        store: Any = just_missed(Outage(world.store, "claim_next", failures=1))
        queue = await queue_for(world, [file])

        async with running(replace(world.ports, store=store, queue=queue)):
            await queue.idle.wait()

        assert (delays(queue), queue.done) == ([AFTER_FAILURE], [])
        assert [type(error) for _, error in world.journal.errors] == [StorageUnavailable]

    async def test_a_queue_that_is_away_keeps_nobody_from_the_work(self, world: World) -> None:
        files = await world.submitted(3)
        inner = WatchedQueue()
        queue: Any = Outage(inner, "receive", failures=1, error=QueueUnavailable("503"))

        async with running(replace(world.ports, queue=queue)):
            await inner.idle.wait()

        assert [(await world.file(one)).status for one in files] == ["done"] * 3

    async def test_not_even_one_that_refuses_us_for_good(self, world: World) -> None:
        files = await world.submitted(3)
        async with cloudflare_world(clock=world.clock, token="revoked") as there:
            worker = consumer(replace(world.ports, queue=there.queue))
            task = asyncio.create_task(worker.run())
            await _until(lambda: _all_done(world, files))
            worker.stop.set()
            await task

        assert [(await world.file(one)).status for one in files] == ["done"] * 3


class TestSubmitting:
    @pytest.mark.parametrize(("status", "code"), [(429, 10252), (403, 10000), (503, 0)])
    async def test_is_answered_though_the_messages_cannot_be_sent(self, world: World, status: int, code: int) -> None:
        files = await seed_files(world.store, await seed_order(world.store), 250)
        async with cloudflare_world(clock=world.clock) as there:
            there.server.refuse("batch", status, code, times=9)
            ports = replace(world.ports, queue=there.queue)

            jobs = await submit_edits(
                [one.id for one in files],
                order_id=files[0].order_id,
                user_id="anna",
                express=False,
                notes=None,
                ports=ports,
            )

        assert [one.status for one in jobs] == ["queued"] * 250
        assert world.journal.warnings == ["messages_not_sent"]


class TestStaleJobs:
    async def test_are_given_a_new_message(self, world: World) -> None:
        [file] = await world.submitted(1)
        await claim(world.store)
        world.clock.advance(timedelta(minutes=16))

        assert await rescue(world.ports) == 1

        [message] = await world.queue.receive(limit=9, wait=timedelta(seconds=5))
        assert message.job_id == (await world.job(file)).id

    async def test_that_are_out_of_attempts_are_not(self, world: World) -> None:
        await world.submitted(1)
        ports = replace(world.ports, limits=replace(world.ports.limits, max_retries=0))
        await claim(world.store)
        world.clock.advance(timedelta(minutes=16))

        assert await rescue(ports) == 1

        assert await world.queue.receive(limit=9, wait=timedelta(milliseconds=10)) == []

    async def test_are_told_of_even_by_a_consumer_that_is_ending(self, world: World) -> None:
        await world.submitted(1)
        await claim(world.store)
        world.clock.advance(timedelta(minutes=16))
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def requeue(**given: Any) -> Any:
            found = await world.store.rescue(**given)
            entered.set()
            await go_on.wait()
            return found

        store: Any = Replaced(world.store, "rescue", requeue)
        task = asyncio.create_task(rescue(replace(world.ports, store=store)))
        await entered.wait()

        task.cancel()
        go_on.set()
        await asyncio.wait([task])

        assert world.journal.causes() == ["stale"]

    async def test_are_requeued_though_the_queue_is_away(self, world: World) -> None:
        [file] = await world.submitted(1)
        queue: Any = Outage(world.queue, "send", failures=1, error=QueueUnavailable("503"))
        await claim(world.store)
        world.clock.advance(timedelta(minutes=16))

        assert await rescue(replace(world.ports, queue=queue)) == 1

        assert (await world.job(file)).status == "queued"
        assert world.journal.warnings == ["messages_not_sent"]


async def _all_done(world: World, files: list[File]) -> bool:
    return all([(await world.file(one)).status == "done" for one in files])


async def _waits_for_its_retry(world: World, file: File) -> bool:
    job = await world.job(file)
    return (job.status, job.attempts) == ("queued", 1)


async def _has_failed(world: World, file: File) -> bool:
    return (await world.job(file)).status == "failed"


async def _is_set(timers: Sequence[tuple[float, Callable[[], object]]], delay: timedelta) -> bool:
    """The database knows of the retry a little earlier than the consumer that wrote it."""
    await asyncio.sleep(0)
    return any(seconds == delay.total_seconds() for seconds, _ in timers)


async def _until(true: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again, each time of the database; the consumer works meanwhile."""
    async with asyncio.timeout(PATIENCE):
        while not await true():
            pass


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_job_that_fails_for_a_while_is_woken_by_its_message_alone(world: World, concurrency: int) -> None:
    """No look into the database helps: the queue promises to be trusted for a year."""
    files = await world.submitted(3)
    async with cloudflare_world(clock=world.clock, concurrency=concurrency) as there:
        there.queue.idle_poll = timedelta(days=365)
        await there.queue.send([(await world.job(one)).id for one in files])
        world.images.errors[files[1].object_key] = StorageUnavailable("503")
        ports = replace(world.ports, store=just_missed(world.store), queue=there.queue)
        worker = Consumer(ports=ports, sweep_interval=timedelta(hours=9), concurrency=concurrency)
        task = asyncio.create_task(worker.run())

        await _until(lambda: _has_failed(world, files[1]))
        worker.stop.set()
        await task

    assert [(await world.file(one)).status for one in files] == ["done", "failed", "done"]
    assert (await world.job(files[1])).attempts == 4
