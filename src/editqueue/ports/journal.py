"""The journal: where attempts, transitions and errors are written down, in logs and counters."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from editqueue.domain.jobs import EditJob, JobStatus


class Stage(StrEnum):
    """What an attempt goes through. The preview is made while the original is copied."""

    CLAIM = "claim"
    COPY = "copy"
    """A look at the original, and its copy to processed/."""
    PREVIEW = "preview"
    """Made, not yet written."""
    PUBLISH = "publish"
    """The preview written, or the placeholder copied in its stead."""
    SETTLE = "settle"
    """The result written down, with all that is waited for a database that is away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageTime:
    """How long a stage took. One that failed or was cut off counts as far as it came."""

    stage: Stage
    began: float
    """Seconds after the beginning of the attempt."""
    seconds: float
    error: str | None = None
    """The code of what it failed by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewMade:
    source_format: str | None
    """As `Preview` has it; None for a placeholder."""
    path: str
    """As `Preview` has it, or `placeholder`."""
    body_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How one attempt went, from the question for a job until its end was written down."""

    began: datetime
    waited: float
    """Seconds that the job might have run before it was claimed."""
    seconds: float
    result: str
    """`done`, `failed`, `retry`, `handed_back` or `claim_lost`."""
    error: str | None
    """`code: message` of what it failed by, or was given back for."""
    bytes_copied: int
    preview: PreviewMade | None
    """None if it did not come so far."""
    stages: tuple[StageTime, ...]
    """In the order in which they ended; those that were begun."""


class Journal(Protocol):
    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None: ...
    def attempt(self, job: EditJob, course: Course) -> None: ...
    def error(self, job_id: str | None, error: BaseException) -> None: ...
    def warning(self, event: str, **facts: object) -> None: ...

    def paused(self, ground: str, reason: str) -> None:
        """The consumer claims nothing because `ground` ("database", "bucket", "images") is away."""
        ...

    def resumed(self, ground: str, *, seconds: float) -> None: ...
