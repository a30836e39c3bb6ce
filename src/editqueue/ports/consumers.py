"""What is known of consumers: who lives, and who waits for what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumerPause:
    """A consumer that waits for what it stands on."""

    consumer: str
    """Host, process id and a random end: no other consumer ever has it."""
    ground: str
    """"database", "bucket" or "images"."""
    reason: str
    since: datetime
    seen_at: datetime
    """When the consumer last said so; an old one belongs to a consumer that died."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LivingConsumer:
    name: str
    jobs: Sequence[str]
    """The ids of its jobs in progress, the longest first."""
