"""The job store: orders, files and jobs, and the transitions between their states."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from editqueue.domain.attempts import JobStory
from editqueue.domain.files import File, FileStatus, Notification, Order, Upload
from editqueue.domain.jobs import EditJob
from editqueue.ports.consumers import ConsumerPause, LivingConsumer
from editqueue.ports.job_store_values import (
    Cancellation,
    Claim,
    Expiry,
    FileQuery,
    FileState,
    JobOfFile,
    JobQuery,
    QueueStats,
    Renaming,
    RenamingResult,
    Revision,
    Schema,
    Submission,
)
from editqueue.ports.overview import Overview


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

    async def release(self, claim: Claim, *, reason: str | None = None, now: datetime) -> None:
        """Back to queued, unlocked, the attempt not spent, which is kept with the `reason`. Raises ClaimLost."""
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
    ) -> Sequence[Expiry]:
        """The files whose time is up, now marked. Attempts that ended before `finished_before` are forgotten."""
        ...

    async def settle_expiry(self, expiry: Expiry, *, now: datetime) -> bool:
        """Clear preview_url; False if somebody else took the expiry over."""
        ...


class OperatorStore(Protocol):
    """What commands and metrics need."""

    @property
    def schema(self) -> Schema | None:
        """None in a Worker, which does not ask."""
        ...

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

    async def retry_jobs(self, failed: Sequence[EditJob | JobOfFile], *, now: datetime) -> Sequence[EditJob]:
        """A new job for the file of each of `failed` that still `may_be_retried`, in their order; up to 500 at once."""
        ...

    async def cancel_job(self, job_id: str, *, error: str, message: str, now: datetime) -> Cancellation:
        """End a job that is queued: failed, its file too, and the customer notified with `message`."""
        ...

    async def job(self, job_id: str) -> EditJob | None: ...
    async def job_story(self, job_id: str) -> JobStory | None: ...
    async def jobs(self, query: JobQuery) -> Sequence[EditJob]:
        """Newest first."""
        ...

    async def overview(self, *, now: datetime) -> Overview:
        """What is seen at a glance; on PostgreSQL one round trip."""
        ...

    async def queue_stats(self, *, now: datetime) -> QueueStats: ...
    async def reset_stale_locks(self, *, now: datetime) -> Sequence[str]:
        """Queue, unlocked, the files that are in progress without a job in progress. Returns their ids."""
        ...

    async def known_objects(self, *, after_key: str, limit: int) -> Sequence[File]:
        """All files, deleted ones too, by object key: for comparing the bucket with the database."""
        ...


class JobStore(CustomerStore, ConsumerStore, OperatorStore, Protocol):
    """Every method is a transaction of guarded statements, or a few of them. Raises StorageUnavailable when the
    database cannot be reached; a defect, such as a value of a wrong type, comes out as it is."""

    async def close(self) -> None: ...
