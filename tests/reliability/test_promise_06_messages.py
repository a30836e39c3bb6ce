"""Promise 6: whatever a queue does to its messages, the end is the same."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from editqueue.domain.ids import new_id
from editqueue.entrypoints.consumer import Consumer
from editqueue.ports import Message
from tests.fakes import World
from tests.reliability.size import sized

pytestmark = pytest.mark.reliability
HOUR = timedelta(hours=1)
JOBS = sized(6, 200)


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
