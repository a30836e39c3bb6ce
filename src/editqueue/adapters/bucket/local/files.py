"""The objects of a local bucket as files: plain blocking functions, to be run in a thread.

Order of a write: body into `.staging/`, content type into `.attributes/`, then the rename that makes the
object appear. What a death in between leaves is for `leftovers` to find.
"""

import json
import mimetypes
import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from editqueue.adapters.bucket.local import paths
from editqueue.adapters.bucket.local.leftovers import noted
from editqueue.ports.bucket import ObjectInfo

_FALLBACK_TYPE: Final = "application/octet-stream"


def head(folder: Path, key: str) -> ObjectInfo:
    path = paths.object_path(folder, key)
    if not path.is_file():
        raise FileNotFoundError(key)
    return _info(key, path.stat(), _content_type(folder, key))


def walk(folder: Path, prefix: str = "") -> Iterator[ObjectInfo]:
    """Every object whose key begins with `prefix`, "" or one that ends in "/", in key order.

    It holds the names of one folder at a time, and passes over what is removed meanwhile.
    """
    try:
        with os.scandir(folder / prefix) as found:
            entries = sorted((f"{entry.name}/" if entry.is_dir() else entry.name, entry) for entry in found)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name, entry in entries:
        key = f"{prefix}{name}"
        if name.endswith("/") and paths.is_object(key):
            yield from walk(folder, key)
        elif paths.is_object(key):
            with suppress(FileNotFoundError):
                yield _info(key, entry.stat(), None)


def write(folder: Path, key: str, body: bytes, content_type: str) -> None:
    paths.object_path(folder, key)
    with staging_file(folder) as staged:
        with staged.open("wb") as file:
            file.write(body)
            sync(file)
        publish(folder, staged, key, content_type)


@contextmanager
def staging_file(folder: Path) -> Generator[Path]:
    """Where to put a body that `publish` makes an object; nothing is left there."""
    staged = paths.new_staging_file(folder)
    try:
        yield staged
    finally:
        # Still there when a link was renamed over another link of the same file: that rename does nothing.
        staged.unlink(missing_ok=True)


def sync(file: BinaryIO) -> None:
    """On the disk before the rename: else a power cut may leave the new name with no bytes behind it."""
    file.flush()
    os.fsync(file.fileno())


def publish(folder: Path, staged: Path, key: str, content_type: str) -> None:
    """Make a staged body the object at `key`."""
    target = paths.object_path(folder, key)
    attributes = json.dumps({"content_type": content_type}).encode()
    with noted(folder, [key]):
        with staging_file(folder) as described:
            described.write_bytes(attributes)
            paths.move(described, paths.attributes_path(folder, key))
        paths.move(staged, target)


def copy(folder: Path, source: str, target: str) -> int:
    """Returns the size. Where the file system has no hard links, the bytes are copied."""
    found = head(folder, source)
    with staging_file(folder) as staged:
        _link(paths.object_path(folder, source), staged)
        publish(folder, staged, target, found.content_type or _FALLBACK_TYPE)
    return found.size


def delete(folder: Path, keys: Sequence[str]) -> None:
    """The object first: without its content type it is still served, by its name."""
    targets = [(paths.object_path(folder, key), paths.attributes_path(folder, key)) for key in keys]
    with noted(folder, keys, freeing=True):
        for path in chain.from_iterable(targets):
            paths.remove(folder, path)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _info(key: str, stat: os.stat_result, content_type: str | None) -> ObjectInfo:
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return ObjectInfo(key=key, size=stat.st_size, content_type=content_type, last_modified=modified)


def _content_type(folder: Path, key: str) -> str:
    """From the file beside it; for an object that somebody put there by hand, from its name."""
    try:
        stored = json.loads(paths.attributes_path(folder, key).read_bytes())
        return str(stored["content_type"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return mimetypes.guess_type(key)[0] or _FALLBACK_TYPE
