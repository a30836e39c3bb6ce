"""Orders, files, uploads and notifications: what the customer sees."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from editqueue.domain.keys import ObjectKeys


class FileStatus(StrEnum):
    UPLOADED = "uploaded"
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    FAILED = "failed"


class NotificationType(StrEnum):
    EDIT_DONE = "edit_done"
    REVISION_REQUIRED = "revision_required"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    id: str
    user_id: str
    title: str
    shootcode: str
    """Six letters and digits that stand for the order in file names."""
    notes: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """An intent: the promise of an object, kept from signing until finalize."""

    object_key: str
    order_id: str
    user_id: str
    filename: str
    mime: str
    room_type: str | None
    stack_id: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    id: str
    order_id: str
    user_id: str
    object_key: str
    """The RAW; fixed at upload. The other keys follow from it: see `keys`."""
    name: str
    mime: str
    bytes: int
    room_type: str | None
    stack_id: str | None
    index: int
    """Position in the order, from 1, in order of upload."""
    ver: int
    status: FileStatus
    locked: bool
    """True exactly while the file's job is in progress."""
    marked: bool
    approved: bool
    preview_url: str | None
    """`r2://<bucket>/<preview key>`, never a signed URL."""
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def keys(self) -> ObjectKeys:
        return ObjectKeys.from_raw(self.object_key)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    id: str
    user_id: str
    order_id: str
    file_id: str
    job_id: str
    type: NotificationType
    message: str
    created_at: datetime
