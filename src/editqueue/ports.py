"""What the use cases need from the outside, as Protocols, and the frozen bundle that wiring fills."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from editqueue.domain.files import File, FileStatus, Notification, Order, Upload
from editqueue.domain.jobs import EditJob, JobStatus


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...


class Chance(Protocol):
    def __call__(self) -> float:
        """A random number in [0, 1), for jitter."""
        ...


Pause = Callable[[float], Awaitable[None]]
"""Waits that many seconds; in tests, time passes instead."""


# --- Bucket -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    key: str
    size: int
    content_type: str | None
    last_modified: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedPut:
    url: str
    headers: Mapping[str, str]
    """Must be sent with the PUT, exactly as they are: they are part of the signature."""


class Bucket(Protocol):
    """One private bucket of objects.

    Every method raises ObjectMissing for a key with nothing behind it (where one is read), StorageUnavailable
    for what may work later, and PermanentError for what never will (access denied, invalid key).
    """

    @property
    def name(self) -> str: ...

    async def head(self, key: str) -> ObjectInfo: ...

    async def read(self, key: str) -> bytes: ...

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object in pieces, for hashing without holding it in memory."""
        ...

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        """Create or replace, all or nothing: a reader sees the old object or the whole new one."""
        ...

    async def copy(self, source: str, target: str) -> int:
        """Server-side copy with content type and metadata. Returns its size in bytes; replaces `target`."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects. Keys with nothing behind them are no error."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object below `prefix`, in key order; `content_type` may be None here."""
        ...

    async def sign_get(self, key: str, *, expires_in: timedelta) -> str: ...

    async def sign_put(self, key: str, *, content_type: str, max_bytes: int, expires_in: timedelta) -> SignedPut: ...

    async def remove_leftovers(self, *, before: datetime) -> int:
        """Remove temporary pieces of writes that died before `before`. Returns how many there were."""
        ...

    async def close(self) -> None: ...


# --- Image tools ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A finished preview: an upright sRGB JPEG without metadata, long edge at most 1280 px."""

    body: bytes
    width: int
    height: int
    source_format: str
    """`jpeg`, `png`, `dng` ...: what the content is, whatever the name says."""
    path: str
    """Which way it was made, e.g. `vips-shrink`, `embedded-jpeg`, `libraw`."""
    bytes_read: int
    cpu_seconds: float
    peak_rss_bytes: int
    """Of the process that made it."""


class ImageTools(Protocol):
    async def make_preview(self, key: str) -> Preview:
        """The preview of the object at `key`, which the tools fetch for themselves.

        Raises BrokenPicture, NotAPicture, OverLimit (permanent), NoToolForFormat (gets the placeholder copy),
        ObjectMissing, StorageUnavailable and ImageWorkerDied (transient).
        """
        ...

    async def close(self) -> None: ...


# --- Job queue --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A wake-up. It names a job but carries no truth: the database decides what there is to do."""

    job_id: str | None
    """None for a message that is not ours."""
    receipt: str
    """What the queue wants back when the message is settled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Redelivery:
    message: Message
    delay: timedelta


class JobQueue(Protocol):
    @property
    def idle_poll(self) -> timedelta:
        """How long a consumer trusts this queue before it looks into the database itself."""
        ...

    async def send(self, job_ids: Sequence[str]) -> None:
        """Wake a consumer for each job. Raises TransientError; the sweep makes up for what is lost."""
        ...

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        """Up to `limit` messages, at most after `wait`; empty when none came."""
        ...

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None: ...

    async def close(self) -> None: ...


# --- Job store --------------------------------------------------------------------------------------


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
class Expiry:
    """A file whose objects are being removed; no job of it is claimed until `settle_expiry`."""

    file: File
    expiring_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Census:
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


class JobStore(Protocol):
    """The truth. Every method is one transaction of guarded statements.

    Methods that may refuse return what they saw under the lock; they changed all or nothing, and the use case
    turns the refusal into an error. Raises StorageUnavailable when the database cannot be reached.
    """

    # Orders and uploads ----
    async def create_order(self, order: Order) -> None: ...
    async def order(self, order_id: str) -> Order | None: ...
    async def record_upload(self, upload: Upload) -> None: ...
    async def upload(self, object_key: str) -> Upload | None: ...
    async def add_file(self, file_id: str, *, upload: Upload, size: int, exif_meta: str | None, now: datetime) -> File:
        """Make the file of a finished upload; the same object key again gives the same file."""
        ...

    async def file_of_key(self, object_key: str) -> File | None: ...

    # Files ----
    async def files(self, ids: Sequence[str]) -> Sequence[File]:
        """Those of `ids` that exist, deleted ones too."""
        ...

    async def list_files(self, query: FileQuery) -> Sequence[File]: ...
    async def count_files(self, order_id: str) -> Mapping[FileStatus, int]: ...
    async def mark_files(
        self, ids: Sequence[str], *, user_id: str, marked: bool, now: datetime
    ) -> Sequence[FileState]: ...
    async def rename_files(
        self, renamings: Sequence[Renaming], *, user_id: str, now: datetime
    ) -> tuple[bool, Sequence[FileState]]:
        """Rename if every file still has `old_name` and `ver`, is unlocked and the user's. True if it did."""
        ...

    async def delete_files(self, ids: Sequence[str], *, user_id: str, now: datetime) -> Sequence[FileState]:
        """Soft-delete; a job that is only queued ends `failed` with error `file deleted`."""
        ...

    async def approve_file(self, file_id: str, *, user_id: str, now: datetime) -> FileState | None: ...

    # Jobs: submitted ----
    async def submit(
        self,
        file_ids: Sequence[str],
        *,
        order_id: str,
        user_id: str,
        express: bool,
        notes: str | None,
        now: datetime,
    ) -> tuple[Sequence[FileState], Sequence[EditJob], Sequence[str]]:
        """The files seen, the active jobs after it, and the ids of those jobs that are new."""
        ...

    async def revise(
        self, file_id: str, *, user_id: str, note: str, now: datetime
    ) -> tuple[FileState | None, EditJob | None]:
        """The file as seen, and the new job, or None if it was refused."""
        ...

    async def retry_job(self, job_id: str, *, now: datetime) -> EditJob | None:
        """A new job for the file of a failed one; None if it is not failed or the file cannot take it."""
        ...

    # Jobs: worked on ----
    async def claim_next(self, *, now: datetime) -> Claim | None:
        """The next job in turn, now in_progress under a fresh token, its file locked, an attempt spent."""
        ...

    async def finish(self, claim: Claim, *, preview_url: str, bytes_copied: int, now: datetime) -> None:
        """Done, unlocked, notified. Raises ClaimLost, changing nothing, if the token is not current.

        The same end of the same claim again, as after an answer that was lost, changes nothing and is no error;
        so it is with `fail`, `retry_later` and `hand_back`.
        """
        ...

    async def fail(self, claim: Claim, *, error: str, message: str, file_status: FileStatus, now: datetime) -> None:
        """Failed, unlocked, notified with `message` (`{name}` is filled in). Raises ClaimLost."""
        ...

    async def retry_later(self, claim: Claim, *, error: str, run_after: datetime, now: datetime) -> None:
        """Back to queued, unlocked, the attempt spent. Raises ClaimLost."""
        ...

    async def hand_back(self, claim: Claim, *, now: datetime) -> None:
        """Back to queued, unlocked, the attempt not spent. Raises ClaimLost."""
        ...

    async def requeue_stale(
        self, *, started_before: datetime, max_retries: int, message: str, now: datetime
    ) -> Sequence[EditJob]:
        """Jobs in progress since before `started_before`: queued again, or failed when out of attempts."""
        ...

    # Retention ----
    async def begin_expiry(
        self, *, finished_before: datetime, abandoned_before: datetime, limit: int, now: datetime
    ) -> Sequence[Expiry]: ...
    async def settle_expiry(self, expiry: Expiry, *, now: datetime) -> bool:
        """Clear preview_url; False if somebody else took the expiry over."""
        ...

    # Notifications and books ----
    async def notifications(self, user_id: str, *, limit: int, before_id: str | None) -> Sequence[Notification]: ...
    async def job(self, job_id: str) -> EditJob | None: ...
    async def jobs(self, query: JobQuery) -> Sequence[EditJob]: ...
    async def has_work(self) -> bool:
        """Is any job queued (due or not) or in progress?"""
        ...

    async def census(self, *, now: datetime) -> Census: ...
    async def reset_stale_locks(self, *, now: datetime) -> Sequence[str]:
        """Unlock files that are locked without a job in progress. Returns their ids."""
        ...

    async def known_objects(self, *, after_key: str, limit: int) -> Sequence[File]:
        """All files, deleted ones too, by object key: for comparing the bucket with the books."""
        ...

    async def close(self) -> None: ...


# --- Reporting --------------------------------------------------------------------------------------


class Journal(Protocol):
    """Where attempts, transitions and errors are written down: logs and counters."""

    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None: ...
    def attempt(self, job: EditJob, *, seconds: float, bytes_copied: int, result: str) -> None: ...
    def error(self, job_id: str | None, error: BaseException) -> None: ...
    def warning(self, event: str, **facts: object) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Numbers that a deployment may change; the defaults are SPEC's."""

    job_timeout: timedelta = timedelta(seconds=300)
    stale_after: timedelta = timedelta(seconds=900)
    sweep_batch: int = 10
    max_retries: int = 3
    retention: timedelta = timedelta(days=90)
    signed_url: timedelta = timedelta(minutes=5)
    max_upload_bytes: int = 250 * 1000 * 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """Everything outside, as wiring chose it."""

    store: JobStore
    bucket: Bucket
    queue: JobQueue
    images: ImageTools
    clock: Clock
    chance: Chance
    journal: Journal
    pause: Pause
    limits: Limits = field(default_factory=Limits)
