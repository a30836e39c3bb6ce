"""The folder of a local bucket for obstore, and what its errors mean: for the consumer and its image workers alike."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from obstore.store import LocalStore

from editqueue.adapters.bucket.reads import first_line
from editqueue.domain.errors import EditQueueError, ObjectMissing, PermanentError, StorageUnavailable

_NEVER: Final = (NotADirectoryError, IsADirectoryError, FileExistsError)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFolder:
    path: Path
    longest_call: timedelta = timedelta(seconds=120)
    """Allowed to a read: the folder may be on a network drive that hangs."""

    def open(self) -> LocalStore:
        return LocalStore(self.path)

    def translate(self, error: Exception, key: str) -> EditQueueError:
        if isinstance(error, FileNotFoundError):
            return ObjectMissing(key)
        if isinstance(error, _NEVER):
            return PermanentError(f"{key!r} cannot be an object in {self.path}: {first_line(error)}")
        return StorageUnavailable(
            f"the bucket folder {self.path} cannot serve {key!r}: {first_line(error)}. "
            "Check that it is mounted, writable for this user and has free space."
        )
