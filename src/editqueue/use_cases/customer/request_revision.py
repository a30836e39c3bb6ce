"""Send a file back for another round, with a note."""

from editqueue.domain.errors import Conflict, FileNotDone, JobActive
from editqueue.domain.files import FileStatus
from editqueue.domain.jobs import EditJob
from editqueue.ports import Ports
from editqueue.ports.job_store import Revision
from editqueue.use_cases.customer.access import LOCKED, Rejection, is_plain, refuse
from editqueue.use_cases.wake_consumers import wake_consumers

_WAITING = Rejection(
    error=JobActive, reason="already waiting to be edited", holds=lambda state: state.active_job is not None
)
_NEVER_EDITED = Rejection(
    error=FileNotDone,
    reason="never edited yet; mark it and submit it",
    holds=lambda state: state.file.status is FileStatus.UPLOADED,
)


async def request_revision(file_id: str, *, note: str, user_id: str, ports: Ports) -> EditJob:
    """The new job. Raises FileNotFound, Forbidden, FileLocked, JobActive, or FileNotDone before any edit."""
    made = Revision(seen=[], job=None)
    if is_plain(file_id):
        made = await ports.store.revise(file_id, user_id=user_id, note=note, now=ports.clock.now())
    if made.job is None:
        refuse([file_id], made.seen, user_id=user_id, rejections=[LOCKED, _WAITING, _NEVER_EDITED])
        raise Conflict("the file is being changed by somebody else; try again", ids=[file_id])
    ports.journal.transition(made.job, before=None, cause="revision")
    await wake_consumers([made.job.id], queue=ports.queue, journal=ports.journal)
    return made.job
