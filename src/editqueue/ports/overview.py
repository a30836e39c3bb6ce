"""What an operator sees at a glance, as of one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from editqueue.domain.attempts import AttemptEnd
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.job_store_values import QueueStats


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    number: int
    is_all: bool
    """False where counting stopped before the end: then there are at least so many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Throughput:
    """Files whose last job ended lately, done or failed. A file that was edited twice within that time counts once."""

    minute: Count
    five_minutes: Count
    fifteen_minutes: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """Jobs that may run now, of those that are express or of those that are not."""

    express: bool
    waiting: Count
    oldest: datetime | None
    """Since when the one waits that has waited longest, of those that are counted; to a second for one that was tried
    before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningJob:
    job_id: str
    user_id: str
    file_name: str
    attempt: int
    started_at: datetime
    consumer: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """An attempt that did not make its job done, whatever followed. Those that were handed back are none."""

    job_id: str
    user_id: str
    number: int
    ended_at: datetime
    ended_by: AttemptEnd
    error: str | None
    run_after: datetime | None
    """None if the job failed with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingCustomer:
    user_id: str
    jobs: int
    """That are queued, due or not."""
    since: datetime
    """When the oldest of them was submitted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    stats: QueueStats
    throughput: Throughput
    lanes: Sequence[Lane]
    """Express first."""
    consumers: Sequence[str] | None
    """The names of those alive; None on D1, where nothing tells who lives."""
    running: Sequence[RunningJob]
    """The longest first."""
    failures: Sequence[Failure]
    """The last first."""
    customers: Sequence[WaitingCustomer]
    """The longest first."""
    pauses: Sequence[ConsumerPause]
    """The longest first."""
