"""Delete files softly; what was only queued for them ends."""

from collections.abc import Sequence

from editqueue.domain.jobs import JobStatus
from editqueue.ports import Ports
from editqueue.use_cases.customer.access import LOCKED, plain_ids, refuse


async def delete_files(ids: Sequence[str], *, user_id: str, ports: Ports) -> int:
    """All or nothing; returns how many. Raises Forbidden, FileNotFound, FileLocked with all offending ids."""
    wanted = await plain_ids(ids, user_id=user_id, store=ports.store)
    seen = await ports.store.delete_files(wanted, user_id=user_id, now=ports.clock.now())
    refuse(wanted, seen, user_id=user_id, rejections=[LOCKED])
    for job in [state.active_job for state in seen if state.active_job is not None]:
        ports.journal.transition(job.moved_to(JobStatus.FAILED), before=JobStatus.QUEUED, cause="file deleted")
    return len(wanted)
