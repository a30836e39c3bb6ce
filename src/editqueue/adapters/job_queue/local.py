"""A queue on one machine: it wakes the consumer of the same process at once, and those of other processes through
their sockets."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from editqueue.adapters.job_queue.inbox import Inbox
from editqueue.adapters.job_queue.neighbours import Neighbours
from editqueue.ports.job_queue import Message, Redelivery

IDLE_POLL: Final = timedelta(seconds=1)
IDLE_POLL_WHEN_HEARD: Final = timedelta(seconds=2)
"""While others tell us of jobs: only what they die before they can tell, and another's retry, waits for it."""


class LocalQueue:
    """`JobQueue` on asyncio. Processes that share no folder of `neighbours` notice new jobs within `idle_poll`.

    A job wakes one worker: an idle one of this process, else of a neighbour. Where nobody is idle, the message waits
    here, and whoever becomes idle looks at the database once more.
    """

    def __init__(self, neighbours: Neighbours | None = None) -> None:
        self._inbox = Inbox()
        self._neighbours = neighbours

    @property
    def idle_poll(self) -> timedelta:
        is_heard = self._neighbours is not None and self._neighbours.is_heard
        return IDLE_POLL_WHEN_HEARD if is_heard else IDLE_POLL

    async def send(self, job_ids: Sequence[str]) -> None:
        self._share_out(job_ids)

    def _share_out(self, job_ids: Sequence[str]) -> None:
        idle = self._inbox.idle
        mine, others = job_ids[:idle], job_ids[idle:]
        self._inbox.put(mine)
        if self._neighbours is not None:
            if not self._inbox.idle:
                self._neighbours.withdraw()
            others = self._neighbours.tell(others)
        self._inbox.put(others)

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        if self._inbox.is_empty and self._neighbours is not None and self._neighbours.announce(self._share_out):
            return []  # what was committed before anybody could see that we are idle is found by a look
        return await self._inbox.take(limit=limit, wait=wait)

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None:
        del done  # received is gone: nothing to acknowledge
        self._inbox.bring_again(again)

    async def close(self) -> None:
        self._inbox.close()
        if self._neighbours is not None:
            self._neighbours.close()
