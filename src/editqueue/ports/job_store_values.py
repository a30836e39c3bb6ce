"""What the job store is asked, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from editqueue.domain.errors import Invalid
from editqueue.domain.files import File, FileStatus
from editqueue.domain.jobs import EditJob, JobStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A job in progress together with its file: all that a worker needs."""

    job: EditJob
    file: File


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """Of the database, as it was when the store was opened."""

    revision: str
    """Four digits, which compare like numbers."""
    newest: str
    """The revision that this version of the program brings a schema to."""

    @property
    def is_older(self) -> bool:
        return self.revision < self.newest

    @property
    def is_newer(self) -> bool:
        return self.revision > self.newest


@dataclass(frozen=True, kw_only=True, slots=True)
class FileQuery:
    order_id: str
    after_index: int = 0
    limit: int = 50
    status: FileStatus | None = None
    marked: bool | None = None
    room_type: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileState:
    """A file as submit, mark, rename, delete and revise see it, read under the same lock as they write."""

    file: File
    active_job: EditJob | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Renaming:
    file_id: str
    old_name: str
    ver: int
    new_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RenamingResult:
    done: bool
    """False: nothing was renamed."""
    seen: Sequence[FileState]
    """The files before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    seen: Sequence[FileState]
    """The files before it, those that exist."""
    jobs: Sequence[EditJob]
    """The active jobs of the files after it, new or there before. None are new if one file did not fit."""
    new: Sequence[str]
    """The ids of those jobs that this submit made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    seen: Sequence[FileState]
    """The file before it, if it exists."""
    job: EditJob | None
    """The new job; None if it was refused, and nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expiry:
    """A file whose objects are being removed; no job of it is claimed until `settle_expiry`."""

    file: File
    expiring_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancellation:
    job: EditJob | None
    """The job after it; None if there is none."""
    done: bool
    """False: nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobOfFile:
    """What is kept of each of very many jobs."""

    id: str
    file_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueStats:
    jobs: Mapping[str, int]
    files: Mapping[str, int]
    oldest_eligible: datetime | None
    """`run_after` of the job that has waited longest, of those that may run now."""
    stale_locks: int
    """Files in progress, locked or not, without such a job; up to five minutes old while `files_without_jobs`."""

    @property
    def files_without_jobs(self) -> int:
        """How many more files are queued or in progress than jobs: RAW was missing, or a lock was reset."""
        return sum(self.files[status] - self.jobs[status] for status in (JobStatus.QUEUED, JobStatus.IN_PROGRESS))


@dataclass(frozen=True, kw_only=True, slots=True)
class JobQuery:
    """Which jobs; every condition holds. Raises Invalid for jobs that are done and have an error: there are none."""

    status: JobStatus | None = None
    order_id: str | None = None
    user_id: str | None = None
    error_code: str | None = None
    """What their `error` is, up to its colon."""
    since: datetime | None = None
    """Submitted then or later; with the status `failed`, failed then or later."""
    older_than: datetime | None = None
    """Submitted before; with the status `failed`, failed before."""
    may_be_retried: bool = False
    """Failed, and nothing has happened to their file since: it is there and has no other job. With the status `failed`
    only."""
    before_id: str | None = None
    """Where the page before ended."""
    limit: int = 50

    def __post_init__(self) -> None:
        if self.error_code is not None and self.status is JobStatus.DONE:
            raise Invalid("a job that is done has no error; ask for --status done or for --error, not for both")
