"""Where things are in the folder of a local bucket.

Beside the objects are `.staging/` (what is on its way in), `.attributes/` (the content types, which files cannot
carry) and the marker.
"""

import re
from pathlib import Path
from typing import Final

from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import PermanentError

STAGING: Final = ".staging"
ATTRIBUTES: Final = ".attributes"
MARKER: Final = ".editqueue-bucket"
MAX_SEGMENT_BYTES: Final = 240
"""File systems end at 255; the rest is for the suffix of the content type's file."""
_STAGED_BY_OBJECT_STORE: Final = re.compile(r"#\d+$")


def is_object(key: str) -> bool:
    """Whether a file at `key` is an object, not one of ours or object_store's own."""
    first = key.partition("/")[0].casefold()
    return first not in {STAGING, ATTRIBUTES, MARKER} and _STAGED_BY_OBJECT_STORE.search(key) is None


def object_path(folder: Path, key: str) -> Path:
    """Raises PermanentError for a key that is invalid, reserved, or too long for a file name."""
    if not is_object(check_key(key)):
        raise PermanentError(f"not a valid object key: {key!r} is kept for the bucket's own files")
    if any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in key.split("/")):
        raise PermanentError(f"not a valid object key: {key!r} has a segment over {MAX_SEGMENT_BYTES} bytes")
    return folder / key


def attributes_path(folder: Path, key: str) -> Path:
    return folder / ATTRIBUTES / f"{key}.json"
