"""Send a file back for another round, with a note."""

from editqueue.domain.errors import Conflict, FileNotDone, JobActive
from editqueue.domain.files import FileStatus
from editqueue.domain.jobs import EditJob
from editqueue.ports import FileState, Ports
from editqueue.use_cases.access import is_plain, refuse, refuse_locked, refuse_strangers
from editqueue.use_cases.wake_consumers import wake_consumers


async def request_revision(file_id: str, *, note: str, user_id: str, ports: Ports) -> EditJob:
    """The new job. Raises FileNotFound, Forbidden, FileLocked, JobActive, or FileNotDone before any edit."""
    seen, job = None, None
    if is_plain(file_id):
        seen, job = await ports.store.revise(file_id, user_id=user_id, note=note, now=ports.clock.now())
    if job is None:
        _refuse(file_id, seen, user_id=user_id)
        raise Conflict("the file is being changed by somebody else; try again", ids=[file_id])
    ports.journal.transition(job, before=None, cause="revision")
    await wake_consumers([job.id], queue=ports.queue, journal=ports.journal)
    return job


def _refuse(file_id: str, seen: FileState | None, *, user_id: str) -> None:
    states = [] if seen is None else [seen]
    refuse_strangers([file_id], [one.file for one in states], user_id=user_id)
    refuse_locked(states)
    refuse(states, lambda one: one.active_job is not None, JobActive, "already waiting to be edited")
    refuse(
        states,
        lambda one: one.file.status is FileStatus.UPLOADED,
        FileNotDone,
        "never edited yet; mark it and submit it",
    )
