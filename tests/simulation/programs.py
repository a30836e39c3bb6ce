"""The programs of the world: API, consumers and the cron job, each the real code on simulated ports."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from editqueue.entrypoints.consumer import Consumer
from editqueue.ports import Ports
from editqueue.use_cases.consumer.sweep import sweep
from editqueue.use_cases.unless_stopped import unless_stopped
from tests.simulation.books import Books
from tests.simulation.faults import PORTS
from tests.simulation.life import CURRENT, Life
from tests.simulation.wire import Scene

T = TypeVar("T")
ENDS_AFTER_GRACE, BACKSTOP = 8.0, 45.0
"""Seconds from the end of the grace period in which a consumer ends whose calls are all answered; and from SIGTERM to
the moment when the backstop of every command ends it by force."""
MakePorts = Callable[["Program", Life], Ports]


@dataclass(kw_only=True, eq=False)
class Program:
    """A command on some machine. Whatever ends it, it is started again."""

    name: str
    scene: Scene
    books: Books
    make_ports: MakePorts
    sweep_interval: timedelta
    terminated_at: float = 0.0
    stops_by_then: int = 0
    """How often its life had been stopped when it got SIGTERM."""
    lives: list[Life] = field(default_factory=list[Life])

    def start(self) -> None:
        if self.scene.is_over:
            return
        self.life = Life(f"{self.name}.{len(self.lives) + 1}", self.scene.chance)
        self.lives.append(self.life)
        self.books.moves.lives[self.life.name] = self.life
        self.stopping = asyncio.Event()
        self.ports = self.make_ports(self, self.life)
        outside = copy_context()
        outside.run(CURRENT.set, self.scene.outside)
        self._begin(self._run()).add_done_callback(partial(self._ended, self.life), context=outside)

    async def _run(self) -> None:
        """Until the end of the program."""
        await asyncio.Event().wait()

    def answer(self, request: Callable[[Ports], Coroutine[Any, Any, T]]) -> asyncio.Future[T]:
        """What an API request to it returns or raises; nothing if the process dies first."""
        answer: asyncio.Future[T] = self.scene.loop.create_future()
        self._begin(self._serve(request, answer))
        return answer

    async def _serve(self, request: Callable[[Ports], Coroutine[Any, Any, T]], answer: asyncio.Future[T]) -> None:
        try:
            result = await request(self.ports)
        except Exception as error:  # noqa: BLE001  # the customer gets it
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(result)

    def kill(self) -> None:
        """Nothing happens to one that is dead already: a picture that kills may meet a fault that kills, too."""
        if self.life.is_killed:
            return
        self.life.kill()
        self.books.moves.excused.add(self.life.name)
        self.scene.tell(self.life.name, "is killed")
        self._start_again()

    def stop(self, seconds: float) -> None:
        self.life.stop()
        self.scene.tell(self.life.name, "is stopped", f"for {seconds:.0f} s")
        self.scene.later(seconds, self._go_on, self.life)

    def terminate(self) -> None:
        """SIGTERM."""
        self.kill()

    def _go_on(self, life: Life) -> None:
        if not life.is_killed and not self.scene.is_over:
            self.scene.tell(life.name, "goes on")
            life.go_on(self.scene.loop.make_ready)

    def _start_again(self) -> None:
        self.scene.later(self.scene.chance.at(f"{self.name} restart", len(self.lives)).between(0, 0.5, 20), self.start)

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of this life."""
        context = copy_context()
        context.run(CURRENT.set, self.life)
        return context.run(self.scene.loop.create_task, work)

    def _ended(self, life: Life, task: asyncio.Task[None]) -> None:
        """The process is gone, and what it had left running."""
        if self.scene.is_over or life.is_killed:
            return
        error = None if task.cancelled() else task.exception()
        if error is not None or not self.stopping.is_set():
            self.books.report("promise 28: a program ended that nobody told to", f"{life.name}: {error!r}")
        left = self.books.jobs_left_by(life)
        # Stopped meanwhile, it has no patience left with a database that did not answer while it stood still.
        is_excused = life.stops != self.stops_by_then
        if left and not (is_excused or self.scene.was_troubled(self.name, ["store"], since=self.terminated_at)):
            self.books.report("promise 9: ended with a job in its hands", f"{life.name}: {', '.join(left)}")
        self.scene.tell(life.name, "ends")
        life.kill()
        self._start_again()


@dataclass(kw_only=True, eq=False)
class ConsumerProgram(Program):
    """`editqueue consume`, or `serve` where requests are sent to it, too."""

    concurrency: int = 1
    grace: timedelta

    async def _run(self) -> None:
        consumer = Consumer(
            ports=self.ports,
            sweep_interval=self.sweep_interval,
            concurrency=self.concurrency,
            grace=self.grace,
            stop=self.stopping,
        )
        await consumer.run()

    def terminate(self) -> None:
        """SIGTERM; another one changes nothing."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self.terminated_at, self.stops_by_then = self.scene.loop.time(), self.life.stops
        self.scene.tell(self.life.name, "gets SIGTERM")
        grace = self.grace.total_seconds()
        self.scene.later(grace + ENDS_AFTER_GRACE, self._confirm_end, self.life, self.life.stops)
        self.scene.later(BACKSTOP, self._end_by_force, self.life)

    def _confirm_end(self, life: Life, stops: int) -> None:
        is_excused = self.scene.is_over or self.scene.was_troubled(self.name, PORTS, since=self.terminated_at)
        if not (life.is_killed or life.stops != stops or is_excused):
            self.books.report("promise 9: it goes on after SIGTERM", life.name)

    def _end_by_force(self, life: Life) -> None:
        if self.life is life and not life.is_killed and not self.scene.is_over:
            self.kill()


@dataclass(kw_only=True, eq=False)
class CronProgram(ConsumerProgram):
    """`editqueue sweep`, again and again."""

    async def _run(self) -> None:
        async with self.ports.holder.hold():
            await unless_stopped(sweep(self.ports, stopped=self.stopping.is_set), self.stopping, grace=self.grace)
        self.stopping.set()

    def _start_again(self) -> None:
        self.scene.later(self.sweep_interval.total_seconds(), self.start)


@dataclass(kw_only=True, eq=False)
class ApiProgram(Program):
    """`editqueue serve --no-consumer`."""
