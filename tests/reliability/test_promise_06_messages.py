"""Promise 6: whatever a queue does to its messages, the end is the same."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from devtools.cloudflare_queue.server import StandIn
from devtools.cloudflare_queue.state import QueueState
from devtools.cloudflare_queue.world import CloudflareWorld, cloudflare_world
from devtools.world import World
from editqueue.domain.ids import new_id
from editqueue.entrypoints.consumer import Consumer
from editqueue.ports import Ports
from editqueue.ports.image_tools import Preview
from editqueue.ports.job_queue import Message, Redelivery
from tests.reliability.size import sized

pytestmark = pytest.mark.reliability
HOUR = timedelta(hours=1)
JOBS = sized(6, 200)
SHORT = timedelta(seconds=30)
CONSUMERS = 3
RETRIES = 10
"""Deliveries that doctor asks for."""


class ScriptedQueue:
    """Delivers what it was given, then nothing twice, then sets `over`."""

    idle_poll = HOUR

    def __init__(self, messages: Sequence[Message]) -> None:
        self.waiting = [*messages]
        self.silences = 2
        self.over = asyncio.Event()
        self.settled = 0

    async def send(self, job_ids: Sequence[str]) -> None:
        pass

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        if self.waiting:
            return [self.waiting.pop()]
        if self.silences:
            self.silences -= 1
            return []
        self.over.set()
        await asyncio.Event().wait()
        return []

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[object] = ()) -> None:
        self.settled += len(done) + len(again)

    async def probe(self) -> None:
        pass

    async def close(self) -> None:
        pass


def _plain(ids: Sequence[str]) -> list[Message]:
    return [Message(job_id=one, receipt=one) for one in ids]


def _tenfold(ids: Sequence[str]) -> list[Message]:
    return _plain(ids) * 10


def _shuffled(ids: Sequence[str]) -> list[Message]:
    messages = _tenfold(ids)
    random.Random(7).shuffle(messages)
    return messages


def _unknown(ids: Sequence[str]) -> list[Message]:
    return _plain([new_id() for _ in ids])


def _malformed(ids: Sequence[str]) -> list[Message]:
    odd = ["", "x" * 5000, "' OR 1=1 --", "\x00"]
    return [Message(job_id=None, receipt="r"), *_plain(odd), *_plain(ids)]


def _lost(ids: Sequence[str]) -> list[Message]:
    return _plain(ids[::2])


def _all_lost(ids: Sequence[str]) -> list[Message]:
    return []


@pytest.mark.parametrize("fate", [_plain, _tenfold, _shuffled, _unknown, _malformed, _lost, _all_lost])
async def test_the_end_is_the_same(world: World, fate: Callable[[Sequence[str]], list[Message]]) -> None:
    await world.submitted(JOBS)
    messages = fate([one.id for one in await world.jobs()])
    queue = ScriptedQueue(messages)
    consumer = Consumer(ports=replace(world.ports, queue=queue), sweep_interval=HOUR)

    running = asyncio.create_task(consumer.run())
    await queue.over.wait()
    consumer.stop.set()
    await running

    jobs = await world.jobs()
    assert {(one.status, one.attempts) for one in jobs} == {("done", 1)}
    assert sorted(one.job_id for one in await world.notes()) == sorted(one.id for one in jobs)
    assert len(world.images.calls) == JOBS
    assert queue.settled == len(messages)


class Overheard:
    """The queue at Cloudflare; sets `over` when it was found empty a few times."""

    idle_poll = HOUR

    def __init__(self, there: CloudflareWorld) -> None:
        self._there = there
        self.silences = 2 * CONSUMERS
        self.over = asyncio.Event()

    async def send(self, job_ids: Sequence[str]) -> None:
        await self._there.queue.send(job_ids)

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        found = await self._there.queue.receive(limit=limit, wait=min(wait, SHORT))
        if found or self._there.server.queue.backlog:
            return found
        if self.silences:
            self.silences -= 1
            return []
        self.over.set()
        await asyncio.Event().wait()
        return []

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None:
        await self._there.queue.settle(done=done, again=again)

    async def close(self) -> None:
        pass


def _push(server: StandIn, messages: Sequence[Message]) -> None:
    for one in messages:
        body = b"not ours" if one.job_id is None else json.dumps({"job_id": one.job_id}).encode()
        server.queue.push(body, content_type="text" if one.job_id is None else "json")


@pytest.mark.parametrize("fate", [_plain, _tenfold, _shuffled, _unknown, _malformed, _lost, _all_lost])
async def test_the_end_is_the_same_through_cloudflare(
    world: World, fate: Callable[[Sequence[str]], list[Message]]
) -> None:
    await world.submitted(JOBS)
    messages = fate([one.id for one in await world.jobs()])
    async with cloudflare_world(clock=world.clock, concurrency=CONSUMERS, max_retries=RETRIES) as there:
        _push(there.server, messages)
        await _consume(world.ports, there)

        jobs = await world.jobs()
        assert {(one.status, one.attempts) for one in jobs} == {("done", 1)}
        assert sorted(one.job_id for one in await world.notes()) == sorted(one.id for one in jobs)
        assert len(world.images.calls) == JOBS
        assert there.server.queue.books.acknowledged == len(messages)
        assert there.server.dead_letters.backlog == 0


class SlowImages:
    """An hour goes by with every preview. After the first, another consumer asks: what it gets was leased to us."""

    def __init__(self, world: World, queue: QueueState) -> None:
        self._world = world
        self._queue = queue
        self.taken_from_us = 0

    async def make_preview(self, key: str) -> Preview:
        self._world.clock.advance(HOUR)
        if not self.taken_from_us:
            self.taken_from_us = len(self._queue.pull(batch_size=JOBS, visibility=1))
        return await self._world.images.make_preview(key)

    async def close(self) -> None:
        pass


async def test_the_end_is_the_same_when_every_lease_runs_out_under_its_worker(world: World) -> None:
    await world.submitted(JOBS)
    limits = replace(world.ports.limits, stale_after=timedelta(days=300))
    async with cloudflare_world(clock=world.clock, concurrency=CONSUMERS, max_retries=RETRIES) as there:
        images = SlowImages(world, there.server.queue)
        ports = replace(world.ports, images=images, limits=limits)
        await there.queue.send([one.id for one in await world.jobs()])
        await _consume(ports, there)

        jobs = await world.jobs()
        assert {(one.status, one.attempts) for one in jobs} == {("done", 1)}
        assert len(world.images.calls) == JOBS
        assert there.server.queue.books.expired > 0
        assert there.server.queue.backlog == 0


async def _consume(ports: Ports, there: CloudflareWorld) -> None:
    queue = Overheard(there)
    consumer = Consumer(ports=replace(ports, queue=queue), sweep_interval=HOUR, concurrency=CONSUMERS)
    running = asyncio.create_task(consumer.run())
    await queue.over.wait()
    consumer.stop.set()
    await running
    await there.queue.close()
