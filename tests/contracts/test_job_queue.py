"""What every JobQueue promises, what those promise that wake and that deliver, and what the local one adds.

Cloudflare's binding only sends: in a Worker the runtime delivers.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from devtools.cloudflare.isolate import dropping_queue
from devtools.cloudflare_queue.world import cloudflare_world
from devtools.databases import new_postgres
from devtools.notified import notified_queue
from editqueue.adapters.job_queue.inbox import MOST_WAITING
from editqueue.adapters.job_queue.local import LocalQueue
from editqueue.adapters.job_queue.neighbours import Neighbours
from editqueue.adapters.job_queue.none import NoQueue
from editqueue.ports.job_queue import JobQueue, Message, Redelivery

NOW = timedelta(0)
MOMENT = timedelta(milliseconds=10)
LONG = timedelta(seconds=30)
DAY = timedelta(days=1)


@pytest.fixture
async def local() -> AsyncIterator[LocalQueue]:
    queue = LocalQueue()
    yield queue
    await queue.close()


@asynccontextmanager
async def open_queue(kind: str, request: pytest.FixtureRequest) -> AsyncGenerator[JobQueue]:
    if kind == "cloudflare":
        async with cloudflare_world() as there:
            yield there.queue
        return
    if kind == "binding":
        async with dropping_queue(request.getfixturevalue("cloudflare")) as queue:
            yield queue
        return
    if kind == "postgres":
        with new_postgres() as new:
            async with notified_queue(new()) as queue:
                yield queue
        return
    queue = LocalQueue() if kind == "local" else NoQueue(idle_poll=LONG)
    if kind == "local with neighbours":
        queue = LocalQueue(Neighbours(request.getfixturevalue("tmp_path") / "wake"))
    yield queue
    await queue.close()


@pytest.fixture(params=["local", "local with neighbours", "postgres", "none", "cloudflare", "binding"])
async def queue(request: pytest.FixtureRequest) -> AsyncIterator[JobQueue]:
    async with open_queue(request.param, request) as made:
        yield made


@pytest.fixture(params=["local", "local with neighbours", "postgres", "cloudflare"])
async def waking(request: pytest.FixtureRequest) -> AsyncIterator[JobQueue]:
    async with open_queue(request.param, request) as made:
        yield made


@pytest.fixture(params=["local", "local with neighbours", "cloudflare"])
async def delivering(request: pytest.FixtureRequest) -> AsyncIterator[JobQueue]:
    async with open_queue(request.param, request) as made:
        yield made


async def received(queue: JobQueue, *, limit: int = 1) -> Sequence[Message]:
    """The next messages, whatever empty answers ask for a look at the database before."""
    while True:
        if messages := await queue.receive(limit=limit, wait=LONG):
            return messages


class TestEveryQueue:
    async def test_answers_nothing_when_nothing_comes(self, queue: JobQueue) -> None:
        assert list(await queue.receive(limit=1, wait=MOMENT)) == []

    async def test_takes_any_number_of_ids(self, queue: JobQueue) -> None:
        await queue.send([])
        await queue.send([str(number) for number in range(1000)])

    async def test_settles_nothing(self, queue: JobQueue) -> None:
        await queue.settle()

    async def test_a_receive_can_be_given_up(self, queue: JobQueue) -> None:
        waiting = asyncio.create_task(queue.receive(limit=1, wait=LONG))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    async def test_says_how_long_it_can_be_trusted(self, queue: JobQueue) -> None:
        assert queue.idle_poll > NOW


class TestEveryQueueThatWakes:
    async def test_wakes_who_is_waiting(self, waking: JobQueue) -> None:
        waiting = asyncio.create_task(received(waking))
        await asyncio.sleep(0)

        await waking.send(["a"])

        assert [message.job_id for message in await waiting] == ["a"]

    async def test_wakes_a_worker_for_each_job(self, waking: JobQueue) -> None:
        workers = [asyncio.create_task(received(waking)) for _ in range(3)]
        await asyncio.sleep(0)

        await waking.send(["a", "b", "c"])

        got = [message.job_id for messages in await asyncio.gather(*workers) for message in messages]
        assert sorted(map(str, got)) == ["a", "b", "c"]

    async def test_brings_again_what_is_to_come_again(self, waking: JobQueue) -> None:
        waiting = asyncio.create_task(received(waking))
        await asyncio.sleep(0)
        await waking.send(["a"])
        [message] = await waiting

        await waking.settle(again=[Redelivery(message=message, delay=MOMENT)])

        [again] = await received(waking)
        assert again.job_id == "a"


class TestEveryDeliveringQueue:
    async def test_delivers_each_message_once(self, delivering: JobQueue) -> None:
        await delivering.send(["a", "b", "c"])

        got = [message.job_id for _ in range(3) for message in await delivering.receive(limit=1, wait=LONG)]

        assert sorted(map(str, got)) == ["a", "b", "c"]
        assert list(await delivering.receive(limit=1, wait=MOMENT)) == []

    async def test_gives_no_more_than_asked_for(self, delivering: JobQueue) -> None:
        await delivering.send(["a", "b", "c"])

        assert len(await delivering.receive(limit=2, wait=LONG)) == 2
        assert len(await delivering.receive(limit=9, wait=LONG)) == 1

    async def test_forgets_what_is_done(self, delivering: JobQueue) -> None:
        await delivering.send(["a"])

        await delivering.settle(done=await delivering.receive(limit=1, wait=LONG))

        assert list(await delivering.receive(limit=1, wait=MOMENT)) == []


class TestLocal:
    async def test_keeps_the_order(self, local: LocalQueue) -> None:
        await local.send(["a", "b", "c"])

        assert [message.job_id for message in await local.receive(limit=3, wait=LONG)] == ["a", "b", "c"]

    async def test_nobody_taking_them_it_keeps_only_so_many(self, local: LocalQueue) -> None:
        for _ in range(3):
            await local.send(["a"] * (MOST_WAITING - 1))

        assert len(await local.receive(limit=3 * MOST_WAITING, wait=LONG)) == MOST_WAITING
        await local.send(["b"])
        assert [message.job_id for message in await local.receive(limit=1, wait=LONG)] == ["b"]

    async def test_closed_it_brings_nothing_again(self, local: LocalQueue) -> None:
        await local.send(["a"])
        [message] = await local.receive(limit=1, wait=LONG)
        await local.settle(again=[Redelivery(message=message, delay=MOMENT)])

        await local.close()

        assert list(await local.receive(limit=1, wait=3 * MOMENT)) == []


async def test_no_queue_never_delivers() -> None:
    queue = NoQueue(idle_poll=LONG)

    await queue.send(["a"])

    assert list(await queue.receive(limit=1, wait=NOW)) == []
    assert queue.idle_poll == LONG
