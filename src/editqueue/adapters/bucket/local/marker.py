"""The marker: a file in the bucket's folder with a random id, by which a folder is known to be that bucket.

A mount point without its disk is an empty folder, and a wrong disk another bucket: neither has this id.
"""

import os
import uuid
from pathlib import Path

from editqueue.adapters.bucket.local.entries import create
from editqueue.adapters.bucket.local.paths import ATTRIBUTES, MARKER, STAGING
from editqueue.adapters.bucket.local.staging import staging_file
from editqueue.adapters.bucket.local.syncing import sync, sync_with_parents


def read_marker(folder: Path) -> str | None:
    """The bucket's id; None where there is no marker."""
    try:
        return (folder / MARKER).read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def mark(folder: Path) -> str:
    """The bucket's id. A folder without one gets one: a new bucket, or one of an older version.

    Processes that start together agree on one: the first link stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAGING).mkdir(exist_ok=True)
    if not (folder / MARKER).exists():
        with staging_file(folder) as (staged, file):
            file.write(f"{uuid.uuid4().hex}\n".encode())
            sync(file)
            create(staged, folder / MARKER)
    sync_with_parents(folder)
    return (folder / MARKER).read_text(encoding="utf-8", errors="replace").strip()


def holds_objects(folder: Path) -> bool:
    """Whether any file lies in the folder that could be an object. Folders that cannot be read hold none."""
    for place, below, names in os.walk(folder):
        if Path(place) == folder:
            below[:] = [name for name in below if name not in {STAGING, ATTRIBUTES}]
        if names:
            return True
    return False
