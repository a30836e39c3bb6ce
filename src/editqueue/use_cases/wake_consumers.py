"""Commit first, send after: a message that cannot be sent costs time, never a job."""

from collections.abc import Sequence

from editqueue.ports.job_queue import JobQueue
from editqueue.ports.journal import Journal


async def wake_consumers(job_ids: Sequence[str], *, queue: JobQueue, journal: Journal) -> None:
    """Send one message per job. Whatever goes wrong is written down; the sweep finds the jobs."""
    if not job_ids:
        return
    try:
        await queue.send(job_ids)
    except Exception as error:  # noqa: BLE001  # the jobs are committed: the request has succeeded
        journal.error(None, error)
        journal.warning("messages_not_sent", jobs=len(job_ids))
