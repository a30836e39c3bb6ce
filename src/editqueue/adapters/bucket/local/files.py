"""The objects of a local bucket as files: plain blocking functions, to be run in a thread.

Order of a write: body into `.staging/`, content type into `.attributes/`, then the rename or link that makes the
object appear; each is on the disk before the next. What a death in between leaves is for `leftovers` to find.
"""

import json
import mimetypes
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

from editqueue.adapters.bucket.local import entries, paths
from editqueue.adapters.bucket.local.leftovers import noted
from editqueue.adapters.bucket.local.staging import staging_file, staging_path
from editqueue.adapters.bucket.local.syncing import sync, sync_folders
from editqueue.domain.errors import ObjectExists, StorageUnavailable
from editqueue.ports.bucket import ObjectInfo

PROBE_BYTES: Final = 2 * 1024 * 1024
"""More than any preview has: a disk with less room than that is as good as full."""
_FALLBACK_TYPE: Final = "application/octet-stream"


def head(folder: Path, key: str) -> ObjectInfo:
    path = paths.object_path(folder, key)
    if not path.is_file():
        raise FileNotFoundError(key)
    found = path.stat()
    return _info(key, found, content_type=_content_type(folder, key), etag=_etag(found))


def walk(folder: Path, prefix: str = "") -> Iterator[ObjectInfo]:
    """Every object whose key begins with `prefix`, "" or one that ends in "/", in key order.

    It holds the names of one folder at a time, and passes over what is removed meanwhile.
    """
    try:
        with os.scandir(folder / prefix) as found:
            listed = sorted((f"{entry.name}/" if entry.is_dir() else entry.name, entry) for entry in found)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name, entry in listed:
        key = f"{prefix}{name}"
        if name.endswith("/") and paths.is_object(key):
            yield from walk(folder, key)
        elif paths.is_object(key):
            with suppress(FileNotFoundError):
                yield _info(key, entry.stat())


def write(folder: Path, key: str, body: bytes, content_type: str) -> None:
    """Create or replace."""
    paths.object_path(folder, key)
    with staging_file(folder) as (staged, file):
        file.write(body)
        sync(file)
        _replace(folder, staged, key, content_type)


def refuse_existing(folder: Path, key: str) -> None:
    """Raises ObjectExists, and not before that object would survive a power cut: its writer may have died."""
    target = paths.object_path(folder, key)
    if target.is_file():
        for path in (paths.attributes_path(folder, key), target):
            sync_folders(path.parent, folder)
        raise ObjectExists(f"{key} is there already, and is written once")


def create(folder: Path, staged: Path, key: str, content_type: str) -> None:
    """Make a staged and synced body the object at `key`. Raises ObjectExists, changing nothing, if there is one."""
    attributes = _attributes(content_type)
    with noted(folder, [key]):
        described = _describe(folder, key, attributes, entries.create)
        if (described or _described_alike(folder, key, content_type)) and _appear(folder, staged, key, entries.create):
            return
    refuse_existing(folder, key)
    raise StorageUnavailable(f"another upload of {key} with another content type is on its way, or has died there")


def copy(folder: Path, source: str, target: str, etag: str | None = None) -> None:
    """Where the file system has no hard links, the bytes are copied."""
    with staging_path(folder) as staged:
        copied = _link(paths.object_path(folder, source), staged)
        if etag not in {None, _etag(copied)}:
            raise StorageUnavailable(f"{source} was replaced while it was read")
        _replace(folder, staged, target, _content_type(folder, source))


def delete(folder: Path, keys: Sequence[str]) -> None:
    """The object first: without its content type it is still served, by its name."""
    targets = [(paths.object_path(folder, key), paths.attributes_path(folder, key)) for key in keys]
    with noted(folder, keys, freeing=True):
        for path in chain.from_iterable(targets):
            entries.remove(folder, path)


def probe(folder: Path) -> None:
    """Write as much as a job does, and sync it."""
    with staging_file(folder) as (_, file):
        file.write(os.urandom(PROBE_BYTES))  # nothing that a file system could make smaller
        sync(file)


def _replace(folder: Path, staged: Path, key: str, content_type: str) -> None:
    attributes = _attributes(content_type)
    with noted(folder, [key]):
        _describe(folder, key, attributes, entries.replace)
        _appear(folder, staged, key, entries.replace)


def _attributes(content_type: str) -> bytes:
    return json.dumps({"content_type": content_type}).encode()


def _describe(folder: Path, key: str, attributes: bytes, put: entries.Put) -> bool:
    with staging_file(folder) as (staged, file):
        file.write(attributes)
        sync(file)
        return _put_and_sync(folder, staged, paths.attributes_path(folder, key), put)


def _appear(folder: Path, staged: Path, key: str, put: entries.Put) -> bool:
    return _put_and_sync(folder, staged, paths.object_path(folder, key), put)


def _put_and_sync(folder: Path, staged: Path, target: Path, put: entries.Put) -> bool:
    done = put(staged, target)
    sync_folders(target.parent, folder)
    return done


def _described_alike(folder: Path, key: str, content_type: str) -> bool:
    """Whether another writer, alive or dead, has left the same content type there: then it is as good as ours."""
    return _content_type(folder, key) == content_type


def _link(source: Path, staged: Path) -> os.stat_result:
    """What was linked, or copied: of the very bytes, whatever is put at `source` meanwhile."""
    if not source.is_file():
        raise FileNotFoundError(source)
    try:
        staged.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        with source.open("rb") as original, staged.open("xb") as file:
            shutil.copyfileobj(original, file)
            sync(file)
            return os.fstat(original.fileno())
    return staged.stat()


def _info(key: str, found: os.stat_result, *, content_type: str | None = None, etag: str | None = None) -> ObjectInfo:
    modified = datetime.fromtimestamp(found.st_mtime, UTC)
    return ObjectInfo(key=key, size=found.st_size, content_type=content_type, last_modified=modified, etag=etag)


def _etag(found: os.stat_result) -> str:
    """As object_store's LocalFileSystem forms it, so that whoever reads through obstore agrees."""
    return f'"{found.st_ino:x}-{found.st_mtime_ns // 1000:x}-{found.st_size:x}"'


def _content_type(folder: Path, key: str) -> str:
    """From the file beside it; for an object that somebody put there by hand, from its name."""
    try:
        stored = json.loads(paths.attributes_path(folder, key).read_bytes())
        return str(stored["content_type"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return mimetypes.guess_type(key)[0] or _FALLBACK_TYPE
