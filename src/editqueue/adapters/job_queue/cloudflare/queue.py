"""Cloudflare Queues over HTTP: short polling that backs off, leases that are given back, few calls."""

import asyncio
import math
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from editqueue.adapters.job_queue.cloudflare.api import LONGEST_DELAY, CloudflareApi, PulledMessage, QueueRefused
from editqueue.adapters.job_queue.cloudflare.message_body import MOST_MESSAGES, batches, decode
from editqueue.domain.errors import QueueUnavailable
from editqueue.ports import Limits
from editqueue.ports.job_queue import Message, Redelivery
from editqueue.ports.time import Clock, Pause
from editqueue.use_cases.unless_stopped import within

FIRST_POLL = timedelta(seconds=1)
LAST_POLL = timedelta(seconds=15)
"""Between empty pulls the wait doubles from the first to the last: an idle process makes 5,760 reads a day."""
IDLE_POLL = timedelta(seconds=60)
"""A lost message costs at most this, and a look into the database costs nothing at Cloudflare."""
DEPTH = 4
"""Messages pulled for each job at a time: one pull and one acknowledgement for four short jobs."""
LONGEST_LEASE = timedelta(hours=12)
LEASE_MARGIN = timedelta(minutes=1)
"""Between the end of the slowest batch and the end of its leases."""
LONGEST_RETRY_AFTER = timedelta(minutes=5)
MOST_UNSETTLED = 10_000
"""Acknowledgements kept while Cloudflare is away; what is dropped comes again and harms nobody."""
CLOSING = 5.0
"""Seconds for handing everything back at the end; then the leases simply run out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """For how many messages and how long to pull, so that even the last is worked on before its lease ends."""

    batch: int
    visibility: timedelta
    job: timedelta
    """What one job may take before it counts as stale."""

    @classmethod
    def of(cls, limits: Limits, *, concurrency: int) -> "Lease":
        """`limits.stale_after` must be shorter than LONGEST_LEASE by LEASE_MARGIN at least."""
        spare = (LONGEST_LEASE - LEASE_MARGIN - limits.stale_after) // limits.job_timeout
        depth = max(1, min(DEPTH, 1 + spare))
        return cls(
            batch=min(MOST_MESSAGES, depth * concurrency),
            visibility=(depth - 1) * limits.job_timeout + limits.stale_after + LEASE_MARGIN,
            job=limits.stale_after,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Held:
    message: Message
    usable_until: datetime
    """Later than this, a job could outlast the lease."""


class CloudflareQueue:
    """`JobQueue` on a pull consumer. All workers of a process share one, and with it its pulls."""

    idle_poll = IDLE_POLL

    def __init__(self, api: CloudflareApi, *, lease: Lease, clock: Clock, pause: Pause) -> None:
        self._api = api
        self._lease = lease
        self._clock = clock
        self._pause = pause
        self._held: deque[_Held] = deque()
        self._acks: deque[str] = deque(maxlen=MOST_UNSETTLED)
        self._retries: dict[str, datetime] = {}
        self._pulling: asyncio.Task[None] | None = None
        self._backoff = FIRST_POLL
        self._next_pull = clock.now()
        self._sent = asyncio.Event()

    async def send(self, job_ids: Sequence[str]) -> None:
        """Every batch is tried, whatever becomes of the others; the first error is raised."""
        sending = [self._api.send(batch) for batch in batches(job_ids)]
        results = await asyncio.gather(*sending, return_exceptions=True)
        self._expect_messages()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        patience = wait
        while not self._held:
            nap = self._next_pull - self._clock.now()
            if nap <= timedelta(0):
                if not await self._pull():
                    return []
            elif patience <= timedelta(0):
                return []
            else:
                nap = min(nap, patience)
                await self._nap(nap)
                patience -= nap
        return self._take(limit)

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None:
        """Acknowledgements wait for the next pull or retry, so that one call carries many."""
        self._acks += [message.receipt for message in done]
        now = self._clock.now()
        self._retries |= {retry.message.receipt: now + retry.delay for retry in again}
        if again:
            await self._flush()

    async def close(self) -> None:
        """Hand back what was pulled and not worked on, at once. Closed again, it does nothing."""
        with suppress(QueueUnavailable, QueueRefused, TimeoutError):
            await within(CLOSING, self._give_everything_back())
        self._acks.clear()
        self._retries.clear()
        if self._pulling is not None:
            self._pulling.cancel()
            await asyncio.gather(self._pulling, return_exceptions=True)
        await self._api.close()

    async def _give_everything_back(self) -> None:
        if self._pulling is not None:
            await asyncio.gather(self._pulling, return_exceptions=True)
        now = self._clock.now()
        self._retries |= {self._held.popleft().message.receipt: now for _ in range(len(self._held))}
        await self._flush()

    def _take(self, limit: int) -> Sequence[Message]:
        now = self._clock.now()
        taken: list[Message] = []
        while self._held and len(taken) < limit:
            held = self._held.popleft()
            if held.usable_until >= now:
                taken.append(held.message)
            else:
                self._retries[held.message.receipt] = now
        return taken

    async def _pull(self) -> bool:
        """One pull for all who wait. A worker that gives up leaves it alone: its messages are leased already.

        Raises its error to the one who began it; False tells it to the others.
        """
        if self._pulling is not None:
            joined = self._pulling
            await asyncio.wait([joined])
            return not joined.cancelled() and joined.exception() is None
        self._pulling = asyncio.create_task(self._pull_once())
        self._pulling.add_done_callback(self._pulled)
        await asyncio.shield(self._pulling)
        return True

    def _pulled(self, task: asyncio.Task[None]) -> None:
        self._pulling = None
        if not task.cancelled():
            task.exception()  # seen, even when nobody waits any more

    async def _pull_once(self) -> None:
        leased_at = self._clock.now()
        try:
            await self._flush()
            found = await self._api.pull(limit=self._lease.batch, visibility=self._lease.visibility)
        except (QueueUnavailable, QueueRefused) as error:
            self._back_off(error.retry_after if isinstance(error, QueueUnavailable) else None)
            raise
        usable_until = leased_at + self._lease.visibility - self._lease.job
        self._held += [_Held(message=message, usable_until=usable_until) for message in map(_message, found) if message]
        if self._held:
            self._expect_messages()
        else:
            self._back_off(None)

    def _back_off(self, retry_after: float | None) -> None:
        asked = min(timedelta(seconds=max(0.0, retry_after or 0)), LONGEST_RETRY_AFTER)
        self._next_pull = self._clock.now() + max(self._backoff, asked)
        self._backoff = min(2 * self._backoff, LAST_POLL)

    def _expect_messages(self) -> None:
        self._backoff = FIRST_POLL
        self._next_pull = self._clock.now()
        self._sent.set()

    async def _nap(self, nap: timedelta) -> None:
        """Until then, or until this process has sent messages of its own."""
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._pause(nap.total_seconds())),
            asyncio.ensure_future(self._sent.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in waits:
                waiting.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
            self._sent.clear()  # noticed; left set, it would let no later nap last

    async def _flush(self) -> None:
        """Settle what waits. What Cloudflare is too busy for is kept; what it refuses is dropped and comes again."""
        while self._acks or self._retries:
            acks = [self._acks.popleft() for _ in range(min(MOST_MESSAGES, len(self._acks)))]
            room = MOST_MESSAGES - len(acks)
            retries = {lease: self._retries.pop(lease) for lease in [*self._retries][:room]}
            try:
                await self._api.settle(
                    acks=acks, retries=[(lease, self._seconds(due)) for lease, due in retries.items()]
                )
            except BaseException as error:
                if not isinstance(error, QueueRefused):
                    self._acks.extendleft(acks)
                    self._retries |= retries
                raise

    def _seconds(self, due: datetime) -> int:
        """Rounded up: a message that comes before its job may run would be spent for nothing."""
        return max(0, min(math.ceil((due - self._clock.now()).total_seconds()), LONGEST_DELAY))


def _message(pulled: PulledMessage) -> Message | None:
    """None for one without a lease, which cannot be settled."""
    if pulled.lease_id is None:
        return None
    given = pulled.metadata
    metadata: Mapping[str, object] = cast("dict[str, object]", given) if isinstance(given, dict) else {}
    job_id = decode(pulled.body, content_type=metadata.get("CF-Content-Type"))
    return Message(job_id=job_id, receipt=pulled.lease_id)
