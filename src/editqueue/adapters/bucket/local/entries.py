"""Folder entries: a file put in its place, and taken away."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from editqueue.adapters.bucket.local.locks import alone
from editqueue.adapters.bucket.local.paths import STAGING

Put = Callable[[Path, Path], bool]
"""`replace` or `create`."""
_RACES_WITH_PRUNING: Final = 100


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
