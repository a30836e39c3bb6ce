"""A queue inside one process: it wakes the consumer of the same `serve` at once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from editqueue.ports.job_queue import Message, Redelivery

MOST_WAITING = 10_000
"""Messages kept; in a process without a consumer nobody would ever take them."""


class LocalQueue:
    """`JobQueue` on asyncio. Other processes on the same database notice new jobs within `idle_poll`."""

    idle_poll = timedelta(seconds=1)

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Message] = asyncio.Queue()
        self._delayed: set[asyncio.TimerHandle] = set()

    async def send(self, job_ids: Sequence[str]) -> None:
        room = max(0, MOST_WAITING - self._waiting.qsize())  # redeliveries may exceed the limit
        for job_id in job_ids[:room]:
            self._waiting.put_nowait(Message(job_id=job_id, receipt=job_id))

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        try:
            first = await asyncio.wait_for(self._waiting.get(), wait.total_seconds())
        except TimeoutError:
            return []
        rest = [self._waiting.get_nowait() for _ in range(min(limit - 1, self._waiting.qsize()))]
        return [first, *rest]

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None:
        del done  # received is gone: nothing to acknowledge within one process
        loop = asyncio.get_running_loop()
        for retry in again:
            handle = loop.call_later(retry.delay.total_seconds(), self._waiting.put_nowait, retry.message)
            self._delayed.add(handle)
        self._delayed = {handle for handle in self._delayed if handle.when() > loop.time()}

    async def close(self) -> None:
        for handle in self._delayed:
            handle.cancel()
