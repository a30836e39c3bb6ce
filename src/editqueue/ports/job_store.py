"""The job store: orders, files and jobs, and the transitions between their states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from editqueue.domain.files import File, FileStatus, Notification, Order, Upload
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.consumers import ConsumerPause, LivingConsumer


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A job in progress together with its file: all that a worker needs."""

    job: EditJob
    file: File


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
class QueueStats:
    jobs: Mapping[str, int]
    files: Mapping[str, int]
    oldest_eligible: datetime | None
    """`run_after` of the job that has waited longest, of those that may run now."""
    stale_locks: int
    """Files locked without a job in progress."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobQuery:
    status: JobStatus | None = None
    order_id: str | None = None
    limit: int = 50


class CustomerStore(Protocol):
    """What requests of customers need.

    A change that may be refused returns the files as it saw them under its lock. It changed all or nothing; the use
    case turns what it sees into an error.
    """

    async def order(self, order_id: str) -> Order | None: ...
    async def record_upload(self, upload: Upload) -> None: ...
    async def upload(self, object_key: str) -> Upload | None: ...
    async def add_file(self, file_id: str, *, upload: Upload, size: int, exif_meta: str | None, now: datetime) -> File:
        """Make the file of a finished upload; the same object key again gives the same file."""
        ...

    async def file_of_key(self, object_key: str) -> File | None: ...
    async def files(self, ids: Sequence[str]) -> Sequence[File]:
        """Those of `ids` that exist, deleted ones too."""
        ...

    async def list_files(self, query: FileQuery) -> Sequence[File]: ...
    async def count_files(self, order_id: str) -> Mapping[FileStatus, int]:
        """Files of the order by status, without deleted ones; a status without files is left out."""
        ...

    async def mark_files(
        self, ids: Sequence[str], *, user_id: str, marked: bool, now: datetime
    ) -> Sequence[FileState]: ...
    async def rename_files(self, renamings: Sequence[Renaming], *, user_id: str, now: datetime) -> RenamingResult:
        """Rename if every file still has `old_name` and `ver`, is unlocked and the user's."""
        ...

    async def delete_files(self, ids: Sequence[str], *, user_id: str, now: datetime) -> Sequence[FileState]:
        """Soft-delete; a job that is only queued ends `failed` with error `file deleted`."""
        ...

    async def approve_file(self, file_id: str, *, user_id: str, now: datetime) -> Sequence[FileState]: ...
    async def submit(
        self, file_ids: Sequence[str], *, order_id: str, user_id: str, express: bool, notes: str | None, now: datetime
    ) -> Submission: ...
    async def revise(self, file_id: str, *, user_id: str, note: str, now: datetime) -> Revision: ...
    async def notifications(self, user_id: str, *, limit: int, before_id: str | None) -> Sequence[Notification]:
        """Newest first."""
        ...


class ConsumerStore(Protocol):
    """What consumers need, the sweep included."""

    async def probe(self) -> datetime:
        """The time by the database's own clock. Raises StorageUnavailable unless the database can be written now."""
        ...

    async def record_pause(self, pause: ConsumerPause) -> None:
        """Write the pause of a consumer down, in place of an earlier one of the same consumer."""
        ...

    async def end_pause(self, consumer: str) -> None:
        """Forget the pause of a consumer; none is no error."""
        ...

    async def claim_next(self, *, now: datetime, holder: str | None = None) -> Claim | None:
        """The next job in fair order, now in_progress under a fresh token, its file locked, an attempt spent. It is
        `holder`'s, whose jobs `take_over` queues again."""
        ...

    async def finish(self, claim: Claim, *, preview_url: str, bytes_copied: int, now: datetime) -> None:
        """Done, unlocked, notified. Raises ClaimLost, changing nothing, if the token is not current.

        The same end of the same claim again, as after an answer that was lost, changes nothing and is no error;
        so it is with `fail`, `retry_later` and `release`.
        """
        ...

    async def fail(self, claim: Claim, *, error: str, message: str, file_status: FileStatus, now: datetime) -> None:
        """Failed, unlocked, notified with `message` (`{name}` is filled in). Raises ClaimLost."""
        ...

    async def retry_later(self, claim: Claim, *, error: str, run_after: datetime, now: datetime) -> None:
        """Back to queued, unlocked, the attempt spent. Raises ClaimLost."""
        ...

    async def release(self, claim: Claim, *, now: datetime) -> None:
        """Back to queued, unlocked, the attempt not spent. Raises ClaimLost."""
        ...

    async def rescue(
        self, *, started_before: datetime, max_retries: int, message: str, now: datetime
    ) -> Sequence[EditJob]:
        """Jobs in progress since before `started_before`: queued again, or failed when out of attempts."""
        ...

    async def gone_holders(self) -> Sequence[str]:
        """The consumers whose lock is free. A lock may be free for a moment, say while a server restarts. None on D1,
        where nothing tells who lives."""
        ...

    async def take_over(
        self, holders: Sequence[str], *, max_retries: int, message: str, now: datetime
    ) -> Sequence[EditJob]:
        """Jobs in progress of those of `holders` whose lock is free now, up to 500: as in `rescue`. No lock of theirs
        can be taken before that is committed."""
        ...

    async def has_work(self) -> bool:
        """Is any job queued (due or not) or in progress?"""
        ...

    async def begin_expiry(
        self, *, finished_before: datetime, abandoned_before: datetime, limit: int, now: datetime
    ) -> Sequence[Expiry]: ...
    async def settle_expiry(self, expiry: Expiry, *, now: datetime) -> bool:
        """Clear preview_url; False if somebody else took the expiry over."""
        ...


class OperatorStore(Protocol):
    """What commands and metrics need."""

    async def pauses(self, *, seen_after: datetime) -> Sequence[ConsumerPause]:
        """Of the consumers that said so after `seen_after`, the longest first."""
        ...

    async def living_consumers(self) -> Sequence[LivingConsumer] | None:
        """Those that hold their lock, by name; None on D1, where nothing tells who lives."""
        ...

    async def create_order(self, order: Order) -> None: ...
    async def retry_job(self, job_id: str, *, now: datetime) -> EditJob | None:
        """A new job for the file of a failed one; None if it is not failed or the file cannot take it."""
        ...

    async def job(self, job_id: str) -> EditJob | None: ...
    async def jobs(self, query: JobQuery) -> Sequence[EditJob]:
        """Newest first."""
        ...

    async def queue_stats(self, *, now: datetime) -> QueueStats: ...
    async def reset_stale_locks(self, *, now: datetime) -> Sequence[str]:
        """Unlock files that are locked without a job in progress. Returns their ids."""
        ...

    async def known_objects(self, *, after_key: str, limit: int) -> Sequence[File]:
        """All files, deleted ones too, by object key: for comparing the bucket with the database."""
        ...


class JobStore(CustomerStore, ConsumerStore, OperatorStore, Protocol):
    """Every method is a transaction of guarded statements, or a few of them. Raises StorageUnavailable when the
    database cannot be reached; a defect, such as a value of a wrong type, comes out as it is."""

    async def close(self) -> None: ...
