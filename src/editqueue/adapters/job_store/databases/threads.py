"""Threads for calls that block. A trip to one costs a third of what ThreadPoolExecutor's costs the event loop, and a
job on SQLite makes two."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Turn(Generic[T]):
    """A call that was given to the threads."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._ticket = [None]
        self.answer: asyncio.Future[T] = self._loop.create_future()
        """Cancelling it does not reach the call."""

    def give_up(self) -> bool:
        """Whether the call will never be made. Else it was begun already."""
        try:
            self._ticket.pop()  # whoever gets it, a thread or we
        except IndexError:
            return False
        return True

    def run(self) -> None:
        if not self.give_up():
            return
        with suppress(RuntimeError):  # the event loop is closed
            try:
                result = self._work()
            except StopIteration as error:  # a Future refuses it, and whoever waits would wait for ever
                stopped = RuntimeError("the call raised StopIteration")
                stopped.__cause__ = error
                self._loop.call_soon_threadsafe(self._fail, stopped)
            except BaseException as error:  # noqa: BLE001  # whoever waits for it gets it
                self._loop.call_soon_threadsafe(self._fail, error)
            else:
                self._loop.call_soon_threadsafe(self._succeed, result)

    def _succeed(self, result: T) -> None:
        if not self.answer.done():
            self.answer.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Threads:
    """They take turns at what is submitted, in its order, and start with the first."""

    def __init__(self, count: int, *, name: str) -> None:
        self._count = count
        self._name = name
        self._turns: SimpleQueue[Turn[Any] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, work: Callable[[], T]) -> Turn[T]:
        """Of the event loop's thread. `work` must not wait for ever: `join` waits for it."""
        if not self._threads:
            self._start()
        turn = Turn(work)
        self._turns.put(turn)
        return turn

    def _start(self) -> None:
        for _ in range(self._count):
            thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self) -> None:
        while (turn := self._turns.get()) is not None:
            turn.run()
            del turn  # nothing of it is kept while the next one is waited for

    def join(self) -> None:
        """End the threads behind what was submitted so far."""
        for _ in self._threads:
            self._turns.put(None)
        for thread in self._threads:
            thread.join()
