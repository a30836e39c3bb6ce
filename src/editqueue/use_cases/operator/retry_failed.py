"""Put many failed jobs back: a new job for the file of each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from editqueue.domain.errors import code_in
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_queue import JobQueue
from editqueue.ports.job_store import JobOfFile, JobQuery, JobStore
from editqueue.ports.journal import Journal
from editqueue.ports.time import Clock
from editqueue.use_cases.operator.cancel_job import BY_HAND, was_cancelled
from editqueue.use_cases.wake_consumers import wake_consumers

BATCH: Final = 500
"""Jobs that are looked for, or put back, in one transaction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retryable:
    jobs: Sequence[JobOfFile]
    """The oldest first."""
    codes: Mapping[str, int]
    """Jobs by the code of their error."""
    customers: int


async def find_retryable(query: JobQuery, *, store: JobStore) -> Retryable:
    """The failed jobs that `query` asks for, as far as nothing has happened to their file since. Those that somebody
    cancelled are left out, unless their error is asked for. There may be very many: they are read page by page."""
    takes_cancelled = query.error_code is not None and BY_HAND.startswith(f"{query.error_code}:")
    found: list[JobOfFile] = []
    codes: Counter[str] = Counter()
    customers: set[str] = set()
    page = replace(query, status=JobStatus.FAILED, may_be_retried=True, limit=BATCH)
    while jobs := await store.jobs(page):
        taken = [job for job in jobs if takes_cancelled or not was_cancelled(job)]
        found += [JobOfFile(id=job.id, file_id=job.file_id) for job in taken]
        codes.update(code_in(job.error or "no error") for job in taken)
        customers.update(job.user_id for job in taken)
        page = replace(page, before_id=jobs[-1].id)
    return Retryable(jobs=found[::-1], codes=codes, customers=len(customers))


async def retry_failed(
    failed: Sequence[JobOfFile], *, store: JobStore, queue: JobQueue, journal: Journal, clock: Clock
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
