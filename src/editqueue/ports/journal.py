"""The journal: where attempts, transitions and errors are written down."""

from typing import Protocol

from editqueue.domain.jobs import EditJob, JobStatus


class Journal(Protocol):
    """Where attempts, transitions and errors are written down: logs and counters."""

    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None: ...
    def attempt(self, job: EditJob, *, seconds: float, bytes_copied: int, result: str) -> None: ...
    def error(self, job_id: str | None, error: BaseException) -> None: ...
    def warning(self, event: str, **facts: object) -> None: ...
