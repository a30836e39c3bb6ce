"""Jobs of consumers that did not come back are queued again."""

from editqueue.domain.jobs import JobStatus
from editqueue.domain.messages import GAVE_UP
from editqueue.ports import Ports
from editqueue.use_cases.run_to_completion import run_to_completion
from editqueue.use_cases.wake_consumers import wake_consumers


async def rescue(ports: Ports) -> int:
    """Take jobs back from consumers that did not come back within `limits.stale_after`. Returns how many.

    Each costs an attempt; those out of attempts end failed. The others get a message: their own may be spent, or
    leased by the consumer that died.
    """
    return await run_to_completion(_rescue(ports))


async def _rescue(ports: Ports) -> int:
    now = ports.clock.now()
    jobs = await ports.store.rescue(
        started_before=now - ports.limits.stale_after, max_retries=ports.limits.max_retries, message=GAVE_UP, now=now
    )
    for job in jobs:
        ports.journal.transition(job, before=JobStatus.IN_PROGRESS, cause="stale")
    queued = [job.id for job in jobs if job.status is JobStatus.QUEUED]
    await wake_consumers(queued, queue=ports.queue, journal=ports.journal)
    return len(jobs)
