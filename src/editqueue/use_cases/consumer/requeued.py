"""What is said of jobs that were taken from a consumer, and to whom."""

from collections.abc import Sequence

from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports import Ports
from editqueue.use_cases.wake_consumers import wake_consumers


async def tell_of_requeued(jobs: Sequence[EditJob], ports: Ports, *, cause: str) -> None:
    """A line in the journal for each, and a message for those that may run again: their own may be spent, or leased by
    the consumer that died."""
    for job in jobs:
        ports.journal.transition(job, before=JobStatus.IN_PROGRESS, cause=cause)
    queued = [job.id for job in jobs if job.status is JobStatus.QUEUED]
    await wake_consumers(queued, queue=ports.queue, journal=ports.journal)
