"""One job by its id, whoever it belongs to."""

from editqueue.domain.errors import JobNotFound
from editqueue.domain.jobs import EditJob
from editqueue.ports.job_store import JobStore


async def find_job(job_id: str, *, store: JobStore) -> EditJob:
    """Raises JobNotFound."""
    job = await store.job(job_id)
    if job is None:
        raise JobNotFound(f"there is no job {job_id!r}; `editqueue jobs list` shows those there are")
    return job
