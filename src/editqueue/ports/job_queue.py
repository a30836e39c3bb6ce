"""The job queue: wake-ups for consumers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A wake-up. It names a job but carries no truth: the database decides what there is to do."""

    job_id: str | None
    """None for a message that is not ours."""
    receipt: str
    """What the queue wants back when the message is settled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Redelivery:
    message: Message
    delay: timedelta


class JobQueue(Protocol):
    @property
    def idle_poll(self) -> timedelta:
        """How long a consumer trusts this queue before it looks into the database itself."""
        ...

    async def send(self, job_ids: Sequence[str]) -> None:
        """Wake a consumer for each job. Raises TransientError; the sweep makes up for what is lost."""
        ...

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        """Up to `limit` messages, at most after `wait`; empty when none came."""
        ...

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None: ...

    async def close(self) -> None: ...
