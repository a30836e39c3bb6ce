"""The files of a local bucket: plain blocking functions, to be run in a thread.

Order of a write: body into `.staging/`, content type into `.attributes/`, then the rename that makes the
object appear. Dying in between leaves a staging file or a content type without an object; both are leftovers.
"""

import json
import mimetypes
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import PermanentError
from editqueue.ports.bucket import ObjectInfo

STAGING: Final = ".staging"
ATTRIBUTES: Final = ".attributes"
MAX_SEGMENT_BYTES: Final = 240
"""File systems end at 255; the rest is for the suffix of the content type's file."""

_STAGED_BY_OBJECT_STORE: Final = re.compile(r"#\d+$")
_FALLBACK_TYPE: Final = "application/octet-stream"
_RACES_WITH_PRUNING: Final = 100


def is_object(key: str) -> bool:
    """Whether a file at `key` is an object, not one of ours or object_store's own."""
    first = key.partition("/")[0].casefold()
    return first not in {STAGING, ATTRIBUTES} and _STAGED_BY_OBJECT_STORE.search(key) is None


def object_path(folder: Path, key: str) -> Path:
    """Raises PermanentError for a key that is invalid, reserved, or too long for a file name."""
    if not is_object(check_key(key)):
        raise PermanentError(f"not a valid object key: {key!r} is kept for the bucket's own files")
    if any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in key.split("/")):
        raise PermanentError(f"not a valid object key: {key!r} has a segment over {MAX_SEGMENT_BYTES} bytes")
    return folder / key


def new_staging_file(folder: Path) -> Path:
    staging = folder / STAGING
    staging.mkdir(exist_ok=True)
    return staging / uuid.uuid4().hex


def discard(path: Path) -> None:
    """Remove a staging file, which may be gone.

    It is still there when a link was renamed over another link of the same file: that rename does nothing.
    """
    path.unlink(missing_ok=True)


def head(folder: Path, key: str) -> ObjectInfo:
    path = object_path(folder, key)
    if not path.is_file():
        raise FileNotFoundError(key)
    stat = path.stat()
    return ObjectInfo(
        key=key,
        size=stat.st_size,
        content_type=_content_type(folder, key),
        last_modified=datetime.fromtimestamp(stat.st_mtime, UTC),
    )


def write(folder: Path, key: str, body: bytes, content_type: str) -> None:
    object_path(folder, key)
    _staged(folder, lambda file: _write_down(file, body), lambda file: publish(folder, file, key, content_type))


def sync(file: BinaryIO) -> None:
    """On the disk before the rename: else a power cut may leave the new name with no bytes behind it."""
    file.flush()
    os.fsync(file.fileno())


def publish(folder: Path, staged: Path, key: str, content_type: str) -> None:
    """Make a staged body the object at `key`."""
    target = object_path(folder, key)
    attributes = json.dumps({"content_type": content_type}).encode()
    _staged(
        folder,
        lambda file: file.write_bytes(attributes),
        lambda file: _move(file, _attributes_path(folder, key)),
    )
    _move(staged, target)


def copy(folder: Path, source: str, target: str) -> int:
    """Returns the size. Where the file system has no hard links, the bytes are copied."""
    found = head(folder, source)
    path = object_path(folder, source)
    content_type = found.content_type or _FALLBACK_TYPE
    _staged(folder, lambda file: _link(path, file), lambda file: publish(folder, file, target, content_type))
    return found.size


def delete(folder: Path, keys: Sequence[str]) -> None:
    """The object first: without its content type it is still served, by its name."""
    paths = [(object_path(folder, key), _attributes_path(folder, key)) for key in keys]
    for path in chain.from_iterable(paths):
        _unlink_if_there(path)
        _prune(path.parent, folder)


def remove_leftovers(folder: Path, before: float) -> int:
    """Dead staging files, and content types whose object is gone, if last touched before `before`."""
    count = 0
    for path in _leftovers(folder):
        if _touched(path) < before:
            path.unlink(missing_ok=True)
            _prune(path.parent, folder)
            count += 1
    return count


def _leftovers(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        key = path.relative_to(folder).as_posix()
        if path.is_file() and not is_object(key) and not _describes_an_object(folder, key):
            yield path


def _describes_an_object(folder: Path, key: str) -> bool:
    inside = key.removeprefix(f"{ATTRIBUTES}/")
    return inside != key and (folder / inside.removesuffix(".json")).is_file()


def _touched(path: Path) -> float:
    """A link made just now has an old mtime, but a fresh ctime."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return float("inf")
    return max(stat.st_mtime, stat.st_ctime)


def _staged(folder: Path, fill: Callable[[Path], object], finish: Callable[[Path], None]) -> None:
    staged = new_staging_file(folder)
    try:
        fill(staged)
        finish(staged)
    finally:
        discard(staged)


def _write_down(path: Path, body: bytes) -> None:
    with path.open("wb") as file:
        file.write(body)
        sync(file)


def _move(staged: Path, target: Path) -> None:
    """Rename, again if a delete elsewhere pruned the empty folder between our mkdir and our rename."""
    for _ in range(_RACES_WITH_PRUNING):
        with suppress(FileNotFoundError):
            _make_folder(target.parent)
            staged.replace(target)
            return
    raise OSError(f"{target.parent} kept disappearing")


def _make_folder(folder: Path) -> None:
    """mkdir says "exists" of a folder that is pruned before it has looked: then it is gone, not in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        if not folder.exists():
            raise FileNotFoundError(folder) from error
        raise


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _unlink_if_there(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except (NotADirectoryError, IsADirectoryError, PermissionError):
        if path.is_file():
            raise


def _prune(directory: Path, folder: Path) -> None:
    """Remove empty folders upwards, but not the bucket's own."""
    while directory not in {folder, folder / STAGING}:
        try:
            directory.rmdir()
        except OSError:
            if directory.exists():
                return
        directory = directory.parent


def _attributes_path(folder: Path, key: str) -> Path:
    return folder / ATTRIBUTES / f"{key}.json"


def _content_type(folder: Path, key: str) -> str:
    """From the file beside it; for an object that somebody put there by hand, from its name."""
    try:
        stored = json.loads(_attributes_path(folder, key).read_bytes())
        return str(stored["content_type"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return mimetypes.guess_type(key)[0] or _FALLBACK_TYPE
