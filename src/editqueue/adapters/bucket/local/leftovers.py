"""What writers leave behind when they die, and how it is found again without a look at the objects.

Before a content type or an object is put in place or removed, a note in `.staging/` names its key; it goes when
both are there or both are gone. A note that stays leads to a content type without an object.
"""

import os
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from editqueue.adapters.bucket.local import entries, paths
from editqueue.adapters.bucket.local.locks import LOCK, lock
from editqueue.adapters.bucket.local.staging import new_staging_path, staging_folder
from editqueue.domain.errors import PermanentError

_NOTE: Final = ".keys"


@contextmanager
def noted(folder: Path, keys: Sequence[str], *, freeing: bool = False) -> Generator[None]:
    """Around what changes the content types and objects of `keys`. After an error the note stays, as after a death.

    What is `freeing` space goes on without a note where there is no room for one.
    """
    note = new_staging_path(folder, _NOTE)
    try:
        note.write_text("\n".join(keys), encoding="utf-8")
    except OSError:
        note.unlink(missing_ok=True)
        if not freeing:
            raise
    yield
    note.unlink(missing_ok=True)


def remove_leftovers(folder: Path, before: float, *, thorough: bool) -> int:
    """Remove dead staging files, and content types whose object is gone, if last touched before `before`.

    `before` is in seconds since 1970 by this machine's clock; by the file system's own clock, too, they must be as old
    as that. `thorough` walks all objects, too, and finds what has no note. Returns how many.
    """
    count = 0
    staging = staging_folder(folder)
    before -= max(0.0, time.time() - now_in(folder).timestamp())  # by how much this machine's clock is ahead
    for path in list(staging.iterdir()):
        if path.name != LOCK and _touched(path) < before and (held := _held(path)):
            with held:
                count += _remove_staged(folder, path, before)
    return count + (_remove_old(folder, _by_walking(folder), before) if thorough else 0)


def now_in(folder: Path) -> datetime:
    """The time by the clock of the file system, which may be another machine's; a full disk tells it, too."""
    staging = folder / paths.STAGING
    os.utime(staging)
    return datetime.fromtimestamp(staging.stat().st_mtime, UTC)


def _held(path: Path) -> BinaryIO | None:
    """The file, locked, unless it is gone or somebody writes it; what we may not open is not ours to judge."""
    try:
        file = path.open("r+b")
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        return None
    if lock(file):
        return file
    file.close()
    return None


def _remove_staged(folder: Path, path: Path, before: float) -> int:
    if path.suffix != _NOTE:
        return _remove_old(folder, [path], before)
    described = list(_without_object(folder, path))
    count = _remove_old(folder, described, before)
    if not any(attributes.exists() for attributes in described):  # else too young: a writer is at work
        path.unlink(missing_ok=True)
    return count


def _remove_old(folder: Path, found: Iterable[Path], before: float) -> int:
    count = 0
    for path in found:
        if _touched(path) < before:
            entries.remove(folder, path)
            count += 1
    return count


def _without_object(folder: Path, note: Path) -> Iterator[Path]:
    """The content types that a note leads to. A power cut may have left anything in it; another sweep may take it."""
    with suppress(FileNotFoundError):
        for key in note.read_text(encoding="utf-8", errors="replace").split("\n"):
            with suppress(PermanentError):
                if not paths.object_path(folder, key).is_file():
                    yield paths.attributes_path(folder, key)


def _by_walking(folder: Path) -> Iterator[Path]:
    """Pieces of object_store among the objects, and every content type without an object."""
    for place, _, names in os.walk(folder, topdown=False):
        for path in (Path(place, name) for name in names):
            key = path.relative_to(folder).as_posix()
            inside = key.removeprefix(f"{paths.ATTRIBUTES}/")
            described = inside != key and (folder / inside.removesuffix(".json")).is_file()
            ours = key == paths.MARKER or key.startswith(f"{paths.STAGING}/")
            if not paths.is_object(key) and not described and not ours:
                yield path


def _touched(path: Path) -> float:
    """Seconds since 1970. A link made just now has an old mtime, but a fresh ctime; what is gone is no leftover."""
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return float("inf")
    return max(stat.st_mtime, stat.st_ctime)
