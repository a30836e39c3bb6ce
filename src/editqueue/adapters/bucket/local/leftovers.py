"""What writers leave behind when they die, and how it is found again without a look at the objects.

Before a content type or an object is put in place or removed, a note in `.staging/` names its key; it goes when
both are there or both are gone. A note that stays leads to a content type without an object.
"""

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from editqueue.adapters.bucket.local import paths
from editqueue.domain.errors import PermanentError

_NOTE: Final = ".keys"


@contextmanager
def noted(folder: Path, keys: Sequence[str], *, freeing: bool = False) -> Generator[None]:
    """Around what changes the content types and objects of `keys`. After an error the note stays, as after a death.

    What is `freeing` space goes on without a note where there is no room for one.
    """
    note = paths.new_staging_file(folder, _NOTE)
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

    `before` is in seconds since 1970. `thorough` walks all objects, too, and finds what has no note. Returns how many.
    """
    count = 0
    staging = folder / paths.STAGING
    for path in list(staging.iterdir()) if staging.exists() else ():
        if path.suffix != _NOTE:
            count += _remove_old(folder, [path], before)
        elif _touched(path) < before:
            described = list(_without_object(folder, path))
            count += _remove_old(folder, described, before)
            if not any(attributes.exists() for attributes in described):  # else too young: a writer is at work
                path.unlink(missing_ok=True)
    return count + (_remove_old(folder, _by_walking(folder), before) if thorough else 0)


def _remove_old(folder: Path, found: Iterable[Path], before: float) -> int:
    count = 0
    for path in found:
        if _touched(path) < before:
            paths.remove(folder, path)
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
            if not paths.is_object(key) and not described and not key.startswith(f"{paths.STAGING}/"):
                yield path


def _touched(path: Path) -> float:
    """Seconds since 1970. A link made just now has an old mtime, but a fresh ctime; what is gone is no leftover."""
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return float("inf")
    return max(stat.st_mtime, stat.st_ctime)
