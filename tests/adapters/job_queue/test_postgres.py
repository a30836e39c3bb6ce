"""Which consumer a notification wakes, and what becomes of one that nobody heard.

The server is played: it delivers all that is said to all who listen, in one order.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import psycopg
import pytest

from editqueue.adapters.job_queue.postgres import CHANNEL, LISTEN, PostgresQueue
from editqueue.adapters.postgres_session import SessionUser
from editqueue.domain.errors import StorageUnavailable
from editqueue.ports.job_queue import Message

LONG = timedelta(seconds=30)


class PlayedSession:
    """What the queue needs of a PostgresSession."""

    def __init__(self, server: "PlayedServer") -> None:
        self.server = server
        self.user: SessionUser | None = None
        self.is_there = False
        self.refuses = 0
        """Statements that are refused from now on, by a server that is there."""

    def join(self, user: SessionUser) -> None:
        self.user = user

    def start(self) -> None:
        pass

    async def connect(self) -> None:
        assert self.user is not None
        self.is_there = True
        await self.user.begin()

    def lose(self) -> None:
        assert self.user is not None
        self.is_there = False
        self.server.listening.remove(self)
        self.user.lost()

    async def execute(self, statement: str, *values: Sequence[str]) -> list[tuple[Any, ...]]:
        await asyncio.sleep(0)
        if not self.is_there:
            raise StorageUnavailable("away")
        if self.refuses:
            self.refuses -= 1
            raise psycopg.errors.ProgramLimitExceeded("too many notifications in the NOTIFY queue")
        if statement == LISTEN:
            self.server.listening.append(self)
        else:
            self.server.notify(*values[0])
        return []


@dataclass
class PlayedServer:
    listening: list[PlayedSession] = field(default_factory=list[PlayedSession])
    said: list[str] = field(default_factory=list[str])

    def notify(self, *payloads: str) -> None:
        self.said += payloads
        for session in self.listening:
            for payload in payloads:
                assert session.user is not None
                session.user.heard(CHANNEL, payload)


@dataclass
class Worker:
    """One that works on what it gets until its consumer lets it go on."""

    queue: PostgresQueue
    got: list[str | None] = field(default_factory=list[str | None])
    """The jobs it was woken for; None for each look."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self) -> None:
        while True:
            messages = await self.queue.receive(limit=1, wait=LONG)
            self.got += [message.job_id for message in messages] or [None]
            if messages:
                await self.go_on.wait()


class Consumers:
    """So many of them on one server, with their workers."""

    def __init__(self) -> None:
        self.server = PlayedServer()
        self.sessions: list[PlayedSession] = []
        self.queues: list[PostgresQueue] = []
        self.workers: list[Worker] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def add(self, *, workers: int = 1) -> PlayedSession:
        session = PlayedSession(self.server)
        queue = PostgresQueue(cast("Any", session))
        await session.connect()
        for _ in range(workers):
            worker = Worker(queue)
            self.workers.append(worker)
            self.tasks.append(asyncio.create_task(worker.work()))
        self.sessions.append(session)
        self.queues.append(queue)
        await settled()
        return session

    def forget(self) -> None:
        """What was got until now, the looks at the start for one."""
        for worker in self.workers:
            worker.got.clear()

    @property
    def got(self) -> list[str | None]:
        return [one for worker in self.workers for one in worker.got]

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for queue in self.queues:
            await queue.close()


async def settled() -> None:
    """Until nothing happens any more: nobody here waits for anything but the event loop."""
    for _ in range(200):
        await asyncio.sleep(0)


@pytest.fixture
async def consumers() -> AsyncIterator[Consumers]:
    made = Consumers()
    yield made
    await made.end()


class TestAHerd:
    @pytest.mark.parametrize("jobs", [1, 5, 16])
    async def test_of_sixteen_idle_consumers_wakes_one_for_each_job(self, consumers: Consumers, jobs: int) -> None:
        for _ in range(16):
            await consumers.add()
        consumers.forget()

        consumers.server.notify("jobs " + " ".join(map(str, range(jobs))))
        await settled()

        assert sorted(map(str, consumers.got)) == sorted(map(str, range(jobs)))

    async def test_gets_jobs_that_come_one_by_one_in_turn(self, consumers: Consumers) -> None:
        for _ in range(16):
            await consumers.add()
        consumers.forget()

        for number in range(16):
            consumers.server.notify(f"jobs {number}")
            await settled()

        assert [len(worker.got) for worker in consumers.workers] == [1] * 16

    async def test_of_few_with_many_workers_shares_them_out(self, consumers: Consumers) -> None:
        for _ in range(2):
            await consumers.add(workers=8)
        consumers.forget()

        consumers.server.notify("jobs 1 2 3 4 5 6 7 8")
        await settled()

        assert len(consumers.got) == 8
        assert [sum(len(one.got) for one in consumers.workers if one.queue is queue) for queue in consumers.queues] == [
            4,
            4,
        ]


class TestNoWakeUpIsLost:
    async def test_of_a_job_that_comes_while_everybody_is_busy(self, consumers: Consumers) -> None:
        """Whoever is through looks before it waits."""
        await consumers.add()
        consumers.server.notify("jobs 1")
        await settled()
        consumers.forget()

        consumers.server.notify("jobs 2")
        await settled()
        assert consumers.got == []
        consumers.workers[0].go_on.set()
        await settled()

        assert consumers.got == [None]

    async def test_of_a_job_given_to_a_consumer_that_is_busy_after_all(self, consumers: Consumers) -> None:
        """It passes the job on to one that is idle."""
        first, _ = await consumers.add(), await consumers.add()
        busy = consumers.workers[0]
        consumers.tasks[0].cancel()  # it found a job by a look, which nobody was told of
        await settled()
        consumers.forget()

        consumers.server.notify("jobs 1")
        await settled()

        assert (consumers.got, busy.got) == (["1"], [])
        assert first in consumers.server.listening

    async def test_of_jobs_notified_while_the_session_was_away_which_cost_one_look(self, consumers: Consumers) -> None:
        session = await consumers.add(workers=3)
        consumers.forget()

        session.lose()
        consumers.server.notify("jobs 1 2")
        await session.connect()
        await settled()

        assert consumers.got == [None]

    async def test_by_a_consumer_that_comes_back(self, consumers: Consumers) -> None:
        session = await consumers.add(workers=3)
        session.lose()
        await session.connect()
        await settled()
        consumers.forget()

        consumers.server.notify("jobs 1 2 3")
        await settled()

        assert sorted(map(str, consumers.got)) == ["1", "2", "3"]

    async def test_though_the_server_once_refused_to_tell_that_a_worker_is_idle(self, consumers: Consumers) -> None:
        await consumers.add()
        session = await consumers.add()
        consumers.server.notify("jobs 1 2")
        await settled()
        session.refuses = 1
        consumers.workers[1].go_on.set()
        await settled()  # idle, and nobody knows
        consumers.workers[1].go_on.clear()
        consumers.forget()

        await consumers.queues[1].receive(limit=1, wait=timedelta(0))  # the next who waits
        await settled()
        consumers.server.notify("jobs 3")
        await settled()

        assert consumers.got == ["3"]


async def test_a_consumer_that_leaves_is_given_nothing_more(consumers: Consumers) -> None:
    await consumers.add()
    await consumers.add()
    consumers.tasks[0].cancel()
    await consumers.queues[0].close()
    consumers.forget()

    consumers.server.notify("jobs 1")
    await settled()

    assert consumers.workers[1].got == ["1"]
    assert consumers.server.said[-1] == "jobs 1"  # and nothing was passed on


async def test_what_is_said_by_somebody_else_on_the_channel_harms_nobody(consumers: Consumers) -> None:
    await consumers.add()
    consumers.forget()

    for payload in ("", "idle", "jobs", "idle nobody many", "what else", "hello world"):
        consumers.server.notify(payload)
    consumers.server.notify("jobs 1")
    await settled()

    assert consumers.got == ["1"]


async def test_a_message_is_one_of_its_job(consumers: Consumers) -> None:
    await consumers.add(workers=0)
    waiting = asyncio.create_task(consumers.queues[0].receive(limit=1, wait=LONG))
    await settled()  # the look at the start

    assert await waiting == []
    waiting = asyncio.create_task(consumers.queues[0].receive(limit=1, wait=LONG))
    await settled()
    consumers.server.notify("jobs 1")

    assert await waiting == [Message(job_id="1", receipt="1")]
