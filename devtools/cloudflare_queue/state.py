"""What Cloudflare Queues do with a pulled queue's messages: leases, attempts, delays, dead letters.

After developers.cloudflare.com/queues (pull consumers, limits, dead letter queues). Where those pages disagree the
harsher reading stands: a message is delivered again the moment its lease ends, and a late acknowledgement still counts.
"""

import base64
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

DEFAULT_VISIBILITY = 30.0


@dataclass
class Held:
    """A message in the queue, from its arrival until it is acknowledged or dead."""

    id: str
    body: str
    """As a pull shows it: json and bytes in base64, text as it is."""
    content_type: str
    sent_at: float
    visible_at: float
    attempts: int = 0
    """Deliveries so far."""


@dataclass
class Books:
    """What happened to all messages so far."""

    sent: int = 0
    delivered: int = 0
    acknowledged: int = 0
    retried: int = 0
    expired: int = 0
    dead: int = 0
    pulls: int = 0


@dataclass
class QueueState:
    """One queue. `clock` gives seconds since the epoch."""

    clock: Callable[[], float]
    max_retries: int = 3
    """Deliveries after the first; then a message is dead."""
    dead_letters: "QueueState | None" = None
    """None deletes the dead, as Cloudflare does without a dead-letter queue."""
    order: Callable[[list[Held]], Iterable[Held]] = lambda ready: ready
    """Which of the visible messages comes first; Cloudflare promises no order."""
    messages: dict[str, Held] = field(default_factory=dict[str, Held])
    leases: dict[str, str] = field(default_factory=dict[str, str])
    """Lease id to message id: old leases of a message stay valid for acknowledging it."""
    current: dict[str, str] = field(default_factory=dict[str, str])
    """Message id to the lease that holds it now."""
    books: Books = field(default_factory=Books)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def push(self, body: bytes, *, content_type: str, delay: float = 0) -> None:
        now = self.clock()
        shown = body.decode() if content_type == "text" else base64.b64encode(body).decode()
        one = Held(f"{next(self.numbers):032x}", shown, content_type, now, now + delay)
        self.messages[one.id] = one
        self.books.sent += 1

    def pull(self, *, batch_size: int, visibility: float) -> list[dict[str, Any]]:
        self.books.pulls += 1
        self._end_leases()
        now = self.clock()
        ready = [one for one in self.messages.values() if one.visible_at <= now]
        taken = [*self.order(ready)][:batch_size]
        return [self._lease(one, until=now + visibility) for one in taken]

    def settle(self, acks: Sequence[str], retries: Sequence[tuple[str, float]]) -> tuple[int, int, dict[str, str]]:
        """How many were acknowledged and retried, and a warning for each lease that was not."""
        warnings: dict[str, str] = {}
        acked = sum(self._acknowledge(lease, warnings) for lease in acks)
        retried = sum(self._retry(lease, delay, warnings) for lease, delay in retries)
        self.books.acknowledged += acked
        self.books.retried += retried
        return acked, retried, warnings

    @property
    def backlog(self) -> int:
        return len(self.messages)

    @property
    def leased(self) -> int:
        """Messages that a consumer holds at this moment."""
        self._end_leases()
        return len(self.current)

    def _lease(self, one: Held, *, until: float) -> dict[str, Any]:
        one.attempts += 1
        one.visible_at = until
        lease = f"lease-{next(self.numbers):032x}"
        self.leases[lease] = one.id
        self.current[one.id] = lease
        self.books.delivered += 1
        return {
            "id": one.id,
            "body": one.body,
            "attempts": float(one.attempts),
            "lease_id": lease,
            "timestamp_ms": one.sent_at * 1000,
            "metadata": {"CF-sourceMessageSource": "api", "CF-Content-Type": one.content_type},
        }

    def _acknowledge(self, lease: str, warnings: dict[str, str]) -> bool:
        """Also after the lease has ended, and while another consumer holds the message."""
        message = self.leases.pop(lease, None)
        if message is None or self.messages.pop(message, None) is None:
            warnings[lease] = "lease unknown, or its message already acknowledged"
            return False
        self.current.pop(message, None)
        return True

    def _retry(self, lease: str, delay: float, warnings: dict[str, str]) -> bool:
        message = self.leases.get(lease)
        if message is None or self.current.get(message) != lease:
            warnings[lease] = "lease unknown or no longer current"
            return False
        self._release(self.messages[message], visible_at=self.clock() + delay)
        return True

    def _end_leases(self) -> None:
        now = self.clock()
        for one in [self.messages[message] for message in self.current]:
            if one.visible_at <= now:
                self.books.expired += 1
                self._release(one, visible_at=one.visible_at)

    def _release(self, one: Held, *, visible_at: float) -> None:
        del self.current[one.id]
        one.visible_at = visible_at
        if one.attempts > self.max_retries:
            self._bury(one)

    def _bury(self, one: Held) -> None:
        del self.messages[one.id]
        self.books.dead += 1
        if self.dead_letters is not None:
            body = one.body.encode() if one.content_type == "text" else base64.b64decode(one.body)
            self.dead_letters.push(body, content_type=one.content_type)
