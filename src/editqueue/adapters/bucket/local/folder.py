"""The folder of a local bucket for obstore, and what its errors mean: for the consumer and its image workers alike."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from obstore.store import LocalStore

from editqueue.adapters.bucket.local.marker import mark, read_marker
from editqueue.adapters.bucket.local.paths import MARKER
from editqueue.adapters.bucket.reads import first_line
from editqueue.domain.errors import EditQueueError, ObjectMissing, PermanentError, StorageUnavailable

_NEVER: Final = (NotADirectoryError, IsADirectoryError, FileExistsError)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFolder:
    path: Path
    bucket_id: str | None = None
    """What its marker must say; None for a folder that is no bucket, but has files to read."""
    longest_call: timedelta = timedelta(seconds=120)
    """Allowed to a read: the folder may be on a network drive that hangs."""

    @classmethod
    def made(cls, path: Path) -> Self:
        """The bucket in a folder, made if need be. Raises OSError when it cannot."""
        return cls(path=path, bucket_id=mark(path))

    def open(self) -> LocalStore:
        return LocalStore(self.path)

    def confirm(self) -> None:
        """Raises StorageUnavailable where the folder is not, or no longer, the bucket that was opened."""
        if self.bucket_id is None:
            return
        found = read_marker(self.path)
        if found is None:
            raise StorageUnavailable(
                f"the bucket is away: {self.path} has no {MARKER}. "
                "Mount its disk again, or put the folder back where it was."
            )
        if found != self.bucket_id:
            raise StorageUnavailable(
                f"another bucket is in the place of the one that was opened: {self.path / MARKER} says {found[:64]!r}, "
                f"not {self.bucket_id[:64]!r}. Mount the right disk, or start editqueue again to work with this one."
            )

    def translate(self, error: Exception, key: str) -> EditQueueError:
        """An object is missing only where the bucket is there and a second look does not find it."""
        try:
            self.confirm()
            there = isinstance(error, FileNotFoundError) and (self.path / key).is_file()
        except StorageUnavailable as away:
            return away
        except OSError as unreadable:
            return self._unavailable(unreadable, key)
        if isinstance(error, FileNotFoundError) and not there:
            return ObjectMissing(key)
        if isinstance(error, _NEVER):
            return PermanentError(f"{key!r} cannot be an object in {self.path}: {first_line(error)}")
        return self._unavailable(error, key)

    def _unavailable(self, error: Exception, key: str) -> StorageUnavailable:
        return StorageUnavailable(
            f"the bucket folder {self.path} cannot serve {key!r}: {first_line(error)}. "
            "Check that it is mounted, writable for this user and has free space."
        )
