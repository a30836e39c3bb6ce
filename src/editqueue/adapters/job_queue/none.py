"""No queue at all: the cron sweep alone moves the work."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from editqueue.ports.job_queue import Message, Redelivery


class NoQueue:
    """`JobQueue` that never delivers; a consumer looks into the database every `idle_poll`."""

    def __init__(self, *, idle_poll: timedelta) -> None:
        self.idle_poll = idle_poll

    async def send(self, job_ids: Sequence[str]) -> None:
        del job_ids

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        del limit
        await asyncio.sleep(wait.total_seconds())
        return []

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None:
        del done, again

    async def close(self) -> None:
        """Nothing to close."""
