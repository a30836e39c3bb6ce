"""One JSON line for everything that happens; errors through one central logger. Counts nothing: see metered.py."""

import sys
import traceback
from typing import Any, TextIO

import structlog

from editqueue.domain.errors import EditQueueError, code_of
from editqueue.domain.jobs import EditJob, JobStatus


class JsonLines:
    """`Journal` on structlog, on stderr unless told otherwise."""

    def __init__(self, *, stream: TextIO | None = None) -> None:
        self._log: Any = structlog.wrap_logger(
            structlog.WriteLogger(stream or sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
        )

    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None:
        self._log.info(
            "transition",
            job_id=job.id,
            file_id=job.file_id,
            before=before.value if before else None,
            after=job.status.value,
            cause=cause,
            attempts=job.attempts,
        )

    def attempt(self, job: EditJob, *, seconds: float, bytes_copied: int, result: str) -> None:
        self._log.info(
            "attempt",
            job_id=job.id,
            file_id=job.file_id,
            duration=round(seconds, 3),
            bytes_copied=bytes_copied,
            result=result,
        )

    def error(self, job_id: str | None, error: BaseException) -> None:
        text = str(error) or type(error).__name__
        facts: dict[str, str] = {}
        if not isinstance(error, EditQueueError):
            text = f"{type(error).__name__}: {error}" if str(error) else text
            facts["traceback"] = "".join(traceback.format_exception(error))
        self._log.error("error", job_id=job_id, code=code_of(error), error=text, **facts)

    def warning(self, event: str, **facts: object) -> None:
        self._log.warning(event, **facts)
