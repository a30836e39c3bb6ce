"""One job by its id, whoever it belongs to, and its story."""

from typing import TypeVar

from editqueue.domain.attempts import JobStory
from editqueue.domain.errors import JobNotFound
from editqueue.domain.jobs import EditJob
from editqueue.ports.job_store import JobStore

T = TypeVar("T")


async def find_job(job_id: str, *, store: JobStore) -> EditJob:
    """Raises JobNotFound."""
    return _found(await store.job(job_id), job_id)


async def find_story(job_id: str, *, store: JobStore) -> JobStory:
    """Raises JobNotFound."""
    return _found(await store.job_story(job_id), job_id)


def _found(what: T | None, job_id: str) -> T:
    if what is None:
        raise JobNotFound(f"there is no job {job_id!r}; `editqueue jobs list` shows those there are")
    return what
