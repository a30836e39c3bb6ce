"""Folder entries: a file put in its place, taken away, and what makes either survive a power cut."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from editqueue.adapters.bucket.local.locks import alone
from editqueue.adapters.bucket.local.paths import STAGING

Put = Callable[[Path, Path], bool]
"""`replace` or `create`."""
_RACES_WITH_PRUNING: Final = 100
_NOT_OF_FOLDERS: Final = {errno.EINVAL, errno.EOPNOTSUPP}
"""What file systems answer that cannot sync a folder, some network drives for one."""


def replace(staged: Path, target: Path) -> bool:
    """Move `staged` to `target`, in place of what is there: always True."""
    _put(staged, target, lambda: staged.replace(target))
    return True


def create(staged: Path, target: Path) -> bool:
    """Make `target` of `staged`, which may stay beside it; False if something is there already."""
    try:
        _put(staged, target, lambda: _link(staged, target))
    except FileExistsError:
        if not target.is_file():
            raise
        return False
    return True


def _link(staged: Path, target: Path) -> None:
    try:
        target.hardlink_to(staged)
    except (FileNotFoundError, FileExistsError, NotADirectoryError):
        raise
    except OSError:  # a file system without hard links
        with alone(staged.parent):
            if target.exists():
                raise FileExistsError(target) from None
            staged.replace(target)


def _put(staged: Path, target: Path, put: Callable[[], object]) -> None:
    """Make the folders of `target` that are missing, again if a delete elsewhere prunes them before `put`.

    Where `staged` is gone, too, the disk is: nothing is made then.
    """
    for _ in range(_RACES_WITH_PRUNING):
        try:
            put()
        except FileNotFoundError:
            if not staged.exists():
                raise
        else:
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError:
            continue
        except FileExistsError:
            # mkdir also says so of a folder that is pruned before it has looked: then it is gone, not in the way.
            if target.parent.exists():
                raise
    raise OSError(f"{target.parent} kept disappearing")


def remove(folder: Path, path: Path) -> None:
    """Remove a file, if there is one, and the folders that it leaves empty; the bucket's own stay."""
    try:
        path.unlink(missing_ok=True)
    except (NotADirectoryError, IsADirectoryError, PermissionError):
        if path.is_file():
            raise
    directory = path.parent
    while directory not in {folder, folder / STAGING}:
        try:
            directory.rmdir()
        except OSError:
            if directory.exists():
                return
        directory = directory.parent


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
