"""End a job that is queued, by hand."""

from dataclasses import dataclass
from typing import Final

from editqueue.domain.errors import JobNotFound, JobNotQueued, code_in
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.domain.messages import CANCELLED
from editqueue.ports.job_store import JobStore
from editqueue.ports.journal import Journal
from editqueue.ports.time import Clock

BY_HAND: Final = "cancelled: by hand"


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelledJob:
    job: EditJob
    is_new: bool
    """False if it was cancelled before: then nothing was changed, and its file may have a job again."""


async def cancel_job(job_id: str, *, store: JobStore, journal: Journal, clock: Clock) -> CancelledJob:
    """The job fails, and its file, too, so that the customer, who is told, can submit it again. One that was cancelled
    before stays as it is. Raises JobNotFound and JobNotQueued."""
    cancellation = await store.cancel_job(job_id, error=BY_HAND, message=CANCELLED, now=clock.now())
    job = cancellation.job
    if job is None:
        raise JobNotFound(f"there is no job {job_id!r}; `editqueue jobs list` shows those there are")
    if cancellation.done:
        journal.transition(job, before=JobStatus.QUEUED, cause="cancel by hand")
    elif not was_cancelled(job):
        raise JobNotQueued(_why_not(job))
    return CancelledJob(job=job, is_new=cancellation.done)


def was_cancelled(job: EditJob) -> bool:
    return job.status is JobStatus.FAILED and code_in(job.error or "") == code_in(BY_HAND)


def _why_not(job: EditJob) -> str:
    if job.status is JobStatus.IN_PROGRESS:
        return f"job {job.id} is in progress, and its file is locked; wait for its end, or for a retry that is queued"
    return f"job {job.id} is {job.status.value}; only a queued one can be cancelled"
