"""The EditJob, its states and its retry plan.

queued --claim--> in_progress --finish--> done
                  in_progress --fail----> failed
                  in_progress --retry, release, take-over, rescue--> queued
queued --delete of the file, cancel--> failed
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class JobStatus(StrEnum):
    QUEUED = "queued"
    """Waiting until `run_after`. A claim moves it on; deleting its file ends it, and so does an operator."""
    IN_PROGRESS = "in_progress"
    """Held by the worker that knows the token. That worker moves it on, or another consumer: within seconds once the
    holder of the job is gone, else after 15 minutes."""
    DONE = "done"
    """Final: processed and preview objects are published."""
    FAILED = "failed"
    """Final: `error` says why. `editqueue jobs retry` makes a new job of it."""


ACTIVE = (JobStatus.QUEUED, JobStatus.IN_PROGRESS)
LEGAL_TRANSITIONS = frozenset(
    {
        (JobStatus.QUEUED, JobStatus.IN_PROGRESS),
        (JobStatus.QUEUED, JobStatus.FAILED),
        (JobStatus.IN_PROGRESS, JobStatus.QUEUED),
        (JobStatus.IN_PROGRESS, JobStatus.DONE),
        (JobStatus.IN_PROGRESS, JobStatus.FAILED),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EditJob:
    id: str
    file_id: str
    order_id: str
    user_id: str
    status: JobStatus
    created_at: datetime
    run_after: datetime
    """Not claimed before this moment."""
    fair_order: datetime
    """Place in the queue: a virtual time that spreads one customer's backlog, see docs/decisions/0004."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: str | None = None
    attempts: int = 0
    """Claims so far that were not handed back."""
    token: str
    """Written anew by every transition. While in progress it is the claim token."""
    express: bool = False
    note: str | None = None
    bytes_copied: int | None = None
    holder: str | None = None
    """The consumer that claimed it last; None if that consumer held no lock by which others know that it lives."""
    traceparent: str | None = None
    """The request that it came from, as W3C Trace Context writes it. Of claimed jobs only, and where traces are on."""

    def moved_to(self, status: JobStatus) -> "EditJob":
        """This job in another state, for telling of it; only the store moves a job."""
        return replace(self, status=status)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """When an attempt that may succeed later is made again."""

    max_retries: int = 3
    """Attempts after the first; 3 means at most 4 attempts."""
    first_delay: timedelta = timedelta(seconds=15)
    factor: int = 4
    jitter: float = 0.2
    """Share of the delay by which it varies to either side."""

    def exhausted(self, attempts: int) -> bool:
        return attempts > self.max_retries

    def delay(self, attempts: int, chance: float) -> timedelta:
        """The wait after attempt number `attempts` (from 1), for `chance` in [0, 1).

        With the defaults 15 s, 60 s, 240 s, each +-20 %.
        """
        spread = 1 + self.jitter * (2 * chance - 1)
        return self.first_delay * self.factor ** (attempts - 1) * spread
