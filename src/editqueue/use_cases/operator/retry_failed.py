"""Put many failed jobs back: a new job for the file of each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_queue import JobQueue
from editqueue.ports.job_store import JobQuery, JobStore
from editqueue.ports.journal import Journal
from editqueue.ports.time import Clock
from editqueue.use_cases.operator.cancel_job import BY_HAND, was_cancelled
from editqueue.use_cases.wake_consumers import wake_consumers

BATCH: Final = 500
"""Jobs that are looked for, or put back, in one transaction."""


async def find_retryable(query: JobQuery, *, store: JobStore) -> Sequence[EditJob]:
    """The failed jobs that `query` asks for, oldest first, as far as nothing has happened to their file since. Those
    that somebody cancelled are left out, unless their error is asked for."""
    found: list[EditJob] = []
    page = replace(query, status=JobStatus.FAILED, may_be_retried=True, limit=BATCH)
    while jobs := await store.jobs(page):
        found += jobs
        page = replace(page, before_id=jobs[-1].id)
    takes_cancelled = query.error_code is not None and BY_HAND.startswith(f"{query.error_code}:")
    return [job for job in reversed(found) if takes_cancelled or not was_cancelled(job)]


async def retry_failed(
    failed: Sequence[EditJob], *, store: JobStore, queue: JobQueue, journal: Journal, clock: Clock
) -> Sequence[EditJob]:
    """The new jobs; consumers are woken for them. Those of `failed` that somebody else has put back by now get none, so
    that it may be done again, also after it broke off half way."""
    made: list[EditJob] = []
    for start in range(0, len(failed), BATCH):
        new = await store.retry_jobs(failed[start : start + BATCH], now=clock.now())
        for job in new:
            journal.transition(job, before=None, cause="retry by hand")
        await wake_consumers([job.id for job in new], queue=queue, journal=journal)
        made += new
    return made
