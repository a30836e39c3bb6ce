"""The customer is content with a finished file."""

from collections.abc import Sequence

from editqueue.domain.errors import FileNotDone
from editqueue.domain.files import FileStatus
from editqueue.ports import Ports
from editqueue.ports.job_store import FileState
from editqueue.use_cases.customer.access import LOCKED, Rejection, is_plain, refuse

_NOT_DONE = Rejection(
    error=FileNotDone,
    reason="only a finished file can be approved",
    holds=lambda state: state.file.status is not FileStatus.DONE,
)


async def approve_file(file_id: str, *, user_id: str, ports: Ports) -> None:
    """Raises FileNotFound, Forbidden, FileLocked, or FileNotDone for any status but `done`."""
    seen: Sequence[FileState] = []
    if is_plain(file_id):
        seen = await ports.store.approve_file(file_id, user_id=user_id, now=ports.clock.now())
    refuse([file_id], seen, user_id=user_id, rejections=[LOCKED, _NOT_DONE])
