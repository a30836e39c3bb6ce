"""The wake-ups of one process, until one of its workers takes them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from editqueue.ports.job_queue import Message, Redelivery

MOST_WAITING = 10_000
"""Messages kept; in a process without a consumer nobody would ever take them."""


def _nothing() -> None:
    pass


class Inbox:
    """`begins_to_wait` is called each time that a worker finds nothing here and waits."""

    def __init__(self, *, begins_to_wait: Callable[[], None] = _nothing) -> None:
        self._begins_to_wait = begins_to_wait
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._waiting = 0
        self._delayed: set[asyncio.TimerHandle] = set()

    @property
    def idle(self) -> int:
        """How many workers wait for which nothing is here yet."""
        return max(0, self._waiting - self._messages.qsize())

    @property
    def is_empty(self) -> bool:
        return self._messages.empty()

    def put(self, job_ids: Iterable[str]) -> None:
        """A message for each job, as far as there is room."""
        for job_id in job_ids:
            if self._messages.qsize() >= MOST_WAITING:
                return
            self._messages.put_nowait(Message(job_id=job_id, receipt=job_id))

    def let_one_look(self) -> None:
        """A worker takes an empty answer, and so looks at the database."""
        self._messages.put_nowait(None)

    async def take(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        """Up to `limit` messages; none after `wait`, or where a look at the database is what is wanted."""
        first = await self._wait_for_one(wait) if self.is_empty else self._messages.get_nowait()
        if first is None:
            return []
        rest = [self._messages.get_nowait() for _ in range(min(limit - 1, self._messages.qsize()))]
        return [first, *[message for message in rest if message is not None]]

    async def _wait_for_one(self, wait: timedelta) -> Message | None:
        self._waiting += 1
        self._begins_to_wait()
        try:
            return await asyncio.wait_for(self._messages.get(), wait.total_seconds())
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1

    def bring_again(self, redeliveries: Iterable[Redelivery]) -> None:
        """Each after its delay; redeliveries may exceed the limit."""
        loop = asyncio.get_running_loop()
        for again in redeliveries:
            handle = loop.call_later(again.delay.total_seconds(), self._messages.put_nowait, again.message)
            self._delayed.add(handle)
        self._delayed = {handle for handle in self._delayed if handle.when() > loop.time()}

    def close(self) -> None:
        for handle in self._delayed:
            handle.cancel()
