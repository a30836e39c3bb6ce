"""An asyncio event loop with virtual time, in which chance decides who runs next.

No selector, no thread, no waiting: when nothing is ready, the clock jumps to the next timer. Tasks, futures, timeouts,
locks, queues and task groups of asyncio work on it unchanged, for they ask a loop for little more than `call_soon`,
`call_at` and `time`.
"""

import asyncio
from asyncio import _set_running_loop  # pyright: ignore[reportPrivateUsage]  # the one way to be the running loop
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from heapq import heappop, heappush
from typing import Any, Final, TypeVar

from tests.simulation.life import CURRENT, Life

T = TypeVar("T")
SWEEP_EVERY: Final = 200
"""New tasks between two looks for those that are done."""
MOST_ENDS, MOST_STEPS, FEW_STEPS = 20, 2_000, 40
"""Tries to end what is left, the callbacks that run between two of them, and between two looks whether it has ended."""


class Deadlock(Exception):
    """Nothing is ready, no timer is set, and the work is not done."""


class Step(asyncio.TimerHandle):
    """A callback of somebody. Not even half of a handle's fields: a world makes thousands."""

    __slots__ = ("_args", "_callback", "_context", "_is_cancelled", "_when", "life")

    def __init__(  # pyright: ignore[reportMissingSuperCall]  # it would fill the other half
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context
    ) -> None:
        self._when = when
        self._callback = callback
        self._args = args
        self._context = context
        self._is_cancelled = False
        self.life: Life = context[CURRENT]

    def take(self) -> None:
        self._context.run(self._callback, *self._args)

    def cancel(self) -> None:
        self._is_cancelled = True

    def cancelled(self) -> bool:
        return self._is_cancelled

    def when(self) -> float:
        return self._when

    def __eq__(self, other: object) -> bool:
        return self is other  # asyncio's compares fields that this one has not

    __hash__ = object.__hash__


class VirtualLoop(asyncio.AbstractEventLoop):
    def __init__(self) -> None:
        self._now = 0.0
        self._ready: list[tuple[float, int, Step]] = []
        self._timers: list[tuple[float, int, Step]] = []
        self._made = 0
        self._tasks: list[asyncio.Task[Any]] = []
        """All that are not done: asyncio remembers tasks weakly, and no seed decides when one is collected."""
        self._sweep_at = SWEEP_EVERY
        self.steps = 0
        self.failures: list[str] = []
        """What asyncio wants to be logged: callbacks that raised, errors that nobody asked for."""

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Step:
        step = Step(self._now, callback, args, context or copy_context())
        self.make_ready(step)
        return step

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Step:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Step:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Step:
        step = Step(when, callback, args, context or copy_context())
        self._made += 1
        heappush(self._timers, (when, self._made, step))
        return step

    def make_ready(self, step: Step) -> None:
        """Whatever is ready at one instant runs in an order that the lives draw."""
        self._made += 1
        heappush(self._ready, (step.life.order(), self._made, step))

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, T], **options: Any) -> asyncio.Task[T]:  # pyright: ignore[reportIncompatibleMethodOverride]  # it differs from version to version
        task = asyncio.Task(coro, loop=self, **options)
        if len(self._tasks) > self._sweep_at:
            self._tasks = self.unfinished()
            self._sweep_at = len(self._tasks) + SWEEP_EVERY
        self._tasks.append(task)
        return task

    def unfinished(self) -> list[asyncio.Task[Any]]:
        return [task for task in self._tasks if not task.done()]

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.failures.append(f"{context['message']}: {error!r}" if error else context["message"])

    def run_in_executor(self, executor: object, func: Callable[..., object], *args: object) -> Any:
        raise RuntimeError(f"a thread was asked for, which no seed decides: {func}")

    def run(self, work: Coroutine[Any, Any, None], *, life: Life, until: Callable[[], bool]) -> None:
        """`work` as the first task of `life`, to its end or `until`."""
        context = copy_context()
        context.run(CURRENT.set, life)
        _set_running_loop(self)
        try:
            task = context.run(self.create_task, work)
            while not (until() or task.done()):
                self.take_step()
            if task.done():
                task.result()
        finally:
            _set_running_loop(None)

    def end_all(self) -> None:
        """Cancel what is left until nothing is. Raises RuntimeError for a task that goes on and on."""
        _set_running_loop(self)
        try:
            for _ in range(MOST_ENDS):
                unfinished = self.unfinished()
                if not unfinished:
                    return
                for task in unfinished:
                    task.cancel()
                self._run_out()
            raise RuntimeError(f"cannot be ended: {self.unfinished()}")
        finally:
            _set_running_loop(None)

    def _run_out(self) -> None:
        """Until every task has ended, or goes on and on."""
        with suppress(Deadlock):
            for number in range(MOST_STEPS):
                if number % FEW_STEPS == 0 and not self.unfinished():
                    return
                self.take_step()

    def take_step(self) -> None:
        """One callback. Raises Deadlock."""
        if not self._ready:
            self._jump()
        step = heappop(self._ready)[-1]
        if step.cancelled():
            return
        self.steps += 1
        if step.life.is_stopped:
            step.life.held_back.append(step)
        else:
            step.take()

    def _jump(self) -> None:
        """To the next timer, and all that are due with it."""
        while self._timers and self._timers[0][-1].cancelled():
            heappop(self._timers)
        if not self._timers:
            raise Deadlock
        self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            self.make_ready(heappop(self._timers)[-1])
