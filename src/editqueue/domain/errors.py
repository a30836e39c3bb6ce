"""Every error this system raises on purpose.

EditQueueError
├── Refused                     the request cannot be honoured; nothing was changed
│   ├── NotFound                OrderNotFound  FileNotFound  UploadNotFound  PreviewNotFound  JobNotFound
│   ├── Forbidden               the thing exists and belongs to somebody else
│   ├── Conflict                FileLocked  JobActive  FileNotMarked  FileNotDone  ObjectDiffers
│   │                           ObjectNotUploaded  ObjectExists  JobNotFailed  JobNotQueued
│   ├── Invalid                 the request itself is wrong, whatever the state
│   └── TooLarge                the upload is over the limit
├── ProcessingError             why an attempt at a job ended
│   ├── RawMissing              the original is gone: failed at once, the file can be submitted again
│   ├── PermanentError          BrokenPicture  NotAPicture  OverLimit: trying again cannot help
│   ├── TransientError          StorageUnavailable  QueueUnavailable  ImageWorkerDied  NoImageWorker
│   │                           JobTimedOut: may pass
│   └── NoToolForFormat         sound, but nothing installed reads it: gets the placeholder copy
├── ObjectMissing               a bucket key with nothing behind it
├── ClaimLost                   the job was taken away from this worker; its result is void
├── GroundLost                  what every job stands on is away: the job was handed back, the consumer waits
└── SetupError                  a setting, schema or service is not usable: stop and say so

Errors carry data and a message. HTTP codes live in entrypoints/http/problems.py only.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class EditQueueError(Exception):
    """The root of the tree above."""

    code: ClassVar[str] = "error"


def code_of(error: BaseException) -> str:
    """The stable code of an error; `internal_error` for one that nobody raised on purpose."""
    return error.code if isinstance(error, EditQueueError) else "internal_error"


def code_in(text: str) -> str:
    """The code with which the `error` of a job or an attempt begins."""
    return text.partition(":")[0]


class Refused(EditQueueError):
    """A request that cannot be honoured. `ids` are all that this error holds for, `also` those refused for
    other reasons, by their error's code."""

    code = "refused"

    def __init__(
        self,
        message: str,
        *,
        ids: Sequence[str] = (),
        field: str | None = None,
        also: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.ids = tuple(ids)
        self.field = field
        self.also = dict(also or {})


class NotFound(Refused):
    code = "not_found"


class OrderNotFound(NotFound):
    code = "order_not_found"


class FileNotFound(NotFound):
    code = "file_not_found"


class UploadNotFound(NotFound):
    code = "upload_not_found"


class PreviewNotFound(NotFound):
    code = "preview_not_found"


class JobNotFound(NotFound):
    code = "job_not_found"


class Forbidden(Refused):
    code = "forbidden"


class Conflict(Refused):
    code = "conflict"


class FileLocked(Conflict):
    code = "file_locked"


class JobActive(Conflict):
    code = "job_active"


class FileNotMarked(Conflict):
    code = "file_not_marked"


class FileNotDone(Conflict):
    code = "file_not_done"


class ObjectNotUploaded(Conflict):
    code = "object_not_uploaded"


class ObjectDiffers(Conflict):
    code = "object_differs"


class ObjectExists(Conflict):
    """An original is written once."""

    code = "object_exists"


class JobNotFailed(Conflict):
    code = "job_not_failed"


class JobNotQueued(Conflict):
    code = "job_not_queued"


class Invalid(Refused):
    code = "invalid"


class TooLarge(Refused):
    code = "upload_too_large"


class ProcessingError(EditQueueError):
    """Why an attempt at a job ended without a result. `etag` is that of the original that it is about, where an image
    tool has read one."""

    code = "processing_error"
    etag: str | None = None


class RawMissing(ProcessingError):
    code = "raw_missing"


class PermanentError(ProcessingError):
    code = "permanent"


class BrokenPicture(PermanentError):
    code = "broken_picture"


class NotAPicture(PermanentError):
    code = "not_a_picture"


class OverLimit(PermanentError):
    code = "over_limit"


class TransientError(ProcessingError):
    code = "transient"


class StorageUnavailable(TransientError):
    code = "storage_unavailable"


class QueueUnavailable(TransientError):
    """`retry_after` is the number of seconds that the service asked for, if it did."""

    code = "queue_unavailable"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ImageWorkerDied(TransientError):
    code = "image_worker_died"


class NoImageWorker(ImageWorkerDied):
    """None can be started, which says nothing of any picture."""

    code = "no_image_worker"


class JobTimedOut(TransientError):
    code = "job_timed_out"


class NoToolForFormat(ProcessingError):
    code = "no_tool_for_format"


class ObjectMissing(EditQueueError):
    code = "object_missing"

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"no object at {self.key}"


class ClaimLost(EditQueueError):
    code = "claim_lost"


class GroundLost(EditQueueError):
    """`ground` says what is away: "database", "bucket" or "images"."""

    code = "ground_lost"

    def __init__(self, ground: str, reason: str) -> None:
        super().__init__(f"{ground}: {reason}")
        self.ground = ground
        self.reason = reason


class SetupError(EditQueueError):
    """One line for the person at the terminal: what is wrong, where, what to do."""

    code = "setup"
