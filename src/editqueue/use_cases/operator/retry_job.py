"""Put one failed job back: a new job for its file."""

from editqueue.domain.errors import JobNotFailed
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_queue import JobQueue
from editqueue.ports.job_store import JobStore
from editqueue.ports.journal import Journal
from editqueue.ports.time import Clock
from editqueue.use_cases.operator.find_job import find_job
from editqueue.use_cases.wake_consumers import wake_consumers


async def retry_job(job_id: str, *, store: JobStore, queue: JobQueue, journal: Journal, clock: Clock) -> EditJob:
    """The new job; a consumer is woken for it. Raises JobNotFound and JobNotFailed."""
    old = await find_job(job_id, store=store)
    job = await store.retry_job(job_id, now=clock.now())
    if job is None:
        raise JobNotFailed(_why_not(old))
    journal.transition(job, before=None, cause="retry by hand")
    await wake_consumers([job.id], queue=queue, journal=journal)
    return job


def _why_not(job: EditJob) -> str:
    if job.status is not JobStatus.FAILED:
        return f"job {job.id} is {job.status.value}; only a failed one can be put back"
    return (
        f"job {job.id} cannot be put back: its file was deleted, or has a job again; "
        f"`editqueue jobs list --order-id {job.order_id}` shows which"
    )
