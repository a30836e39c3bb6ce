"""The customer is content with a finished file."""

from editqueue.domain.errors import FileNotDone
from editqueue.domain.files import FileStatus
from editqueue.ports import Clock, JobStore
from editqueue.use_cases.access import is_plain, refuse, refuse_locked, refuse_strangers


async def approve_file(file_id: str, *, user_id: str, store: JobStore, clock: Clock) -> None:
    """Raises FileNotFound, Forbidden, FileLocked, or FileNotDone for any status but `done`."""
    seen = None
    if is_plain(file_id):
        seen = await store.approve_file(file_id, user_id=user_id, now=clock.now())
    states = [] if seen is None else [seen]
    refuse_strangers([file_id], [one.file for one in states], user_id=user_id)
    refuse_locked(states)
    refuse(
        states,
        lambda one: one.file.status is not FileStatus.DONE,
        FileNotDone,
        "only a finished file can be approved",
    )
