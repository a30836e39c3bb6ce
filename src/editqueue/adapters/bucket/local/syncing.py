"""What makes files and folder entries survive a power cut."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

_NOT_OF_FOLDERS: Final = {errno.EINVAL, errno.EOPNOTSUPP}
"""What file systems answer that cannot sync a folder, some network drives for one."""


def sync(file: BinaryIO) -> None:
    """The bytes, on the disk before the name: else a power cut may leave the name with no bytes behind it."""
    file.flush()
    os.fsync(file.fileno())


def sync_folders(lowest: Path, highest: Path) -> None:
    """The entries of a folder and of all above it up to `highest`.

    All, not only those made just now: whoever made the others may have died before they were synced.
    """
    for folder in (lowest, *lowest.parents):
        with suppress(FileNotFoundError):  # removed meanwhile, with what was in it
            _sync_folder(folder)
        if folder == highest:
            return


def sync_with_parents(folder: Path) -> None:
    """A folder and all above it, except those that this user may not read, and therefore has not made."""
    for parent in (folder, *folder.parents):
        with suppress(PermissionError):
            _sync_folder(parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_OF_FOLDERS:
            raise
    finally:
        os.close(descriptor)
