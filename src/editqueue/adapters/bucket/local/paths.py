"""Where things are in the folder of a local bucket, and moving and removing them there: plain blocking functions.

Beside the objects are `.staging/` (what is on its way in) and `.attributes/` (the content types, which files
cannot carry).
"""

import re
import uuid
from pathlib import Path
from typing import Final

from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import PermanentError

STAGING: Final = ".staging"
ATTRIBUTES: Final = ".attributes"
MAX_SEGMENT_BYTES: Final = 240
"""File systems end at 255; the rest is for the suffix of the content type's file."""
_STAGED_BY_OBJECT_STORE: Final = re.compile(r"#\d+$")
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


def attributes_path(folder: Path, key: str) -> Path:
    return folder / ATTRIBUTES / f"{key}.json"


def new_staging_file(folder: Path, suffix: str = "") -> Path:
    staging = folder / STAGING
    staging.mkdir(exist_ok=True)
    return staging / f"{uuid.uuid4().hex}{suffix}"


def move(staged: Path, target: Path) -> None:
    """Rename, again if a delete elsewhere pruned the empty folder between our mkdir and our rename."""
    for _ in range(_RACES_WITH_PRUNING):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        except FileNotFoundError:
            continue
        except FileExistsError:
            # mkdir also says so of a folder that is pruned before it has looked: then it is gone, not in the way.
            if target.parent.exists():
                raise
        else:
            return
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
