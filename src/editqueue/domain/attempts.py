"""The attempts at a job, and its story: all of them in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from editqueue.domain.jobs import EditJob, JobStatus


class AttemptEnd(StrEnum):
    """How an attempt ended; the words are those of the log."""

    FINISH = "finish"
    """The job is done."""
    RETRY = "retry"
    FAIL = "fail"
    HAND_BACK = "hand_back"
    """Given back by its consumer, which was told to stop or had lost what every job stands on: not counted."""
    STALE = "stale"
    """Taken from a consumer that did not come back in time."""
    TAKEN_OVER = "taken_over"
    """Taken from a consumer that is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    number: int
    """From 1. One that was handed back has the number of the one after it."""
    consumer: str | None
    """Its name; None if it held no lock by which others know that it lives."""
    began_at: datetime
    ended_at: datetime | None
    """None while it runs."""
    ended_by: AttemptEnd | None
    error: str | None
    """`code: message`."""
    run_after: datetime | None
    """From when on the job might be tried again; None if this attempt ended it, or still runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStory:
    job: EditJob
    attempts: Sequence[Attempt]
    """In their order, the one that runs or made the job done included."""

    @property
    def is_whole(self) -> bool:
        """False where attempts are missing: of a job that was handed back very often, those that ended longer ago than
        objects are kept, or under a version that kept none."""
        return {attempt.number for attempt in self.attempts} >= {*range(1, self.job.attempts + 1)}


def story_of(job: EditJob, kept: Sequence[Attempt]) -> JobStory:
    """The story of `job`, of whose attempts those are `kept` that did not make it done. They may have been read later
    than the job, and the one that ran then be among them."""
    last = _last_attempt(job)
    told = {(one.number, one.began_at) for one in kept}
    own = [] if last is None or (last.number, last.began_at) in told else [last]
    return JobStory(job=job, attempts=[*kept, *own])


def _last_attempt(job: EditJob) -> Attempt | None:
    """The attempt that the job itself tells of: the one that runs, or made it done."""
    if job.started_at is None or job.status not in {JobStatus.IN_PROGRESS, JobStatus.DONE}:
        return None
    return Attempt(
        number=job.attempts,
        consumer=job.holder,
        began_at=job.started_at,
        ended_at=job.finished_at,
        ended_by=AttemptEnd.FINISH if job.status is JobStatus.DONE else None,
        error=None,
        run_after=None,
    )
