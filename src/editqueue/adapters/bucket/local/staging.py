"""Staging files: what is on its way into the bucket, in `.staging/`."""

import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from editqueue.adapters.bucket.local.locks import lock
from editqueue.adapters.bucket.local.paths import MARKER, STAGING

_BUFFER_BYTES: Final = 1024 * 1024


def new_staging_path(folder: Path, suffix: str = "") -> Path:
    return staging_folder(folder) / f"{uuid.uuid4().hex}{suffix}"


def staging_folder(folder: Path) -> Path:
    """Made anew where somebody has removed it from a bucket. Raises FileNotFoundError where no bucket is, as at a mount
    point whose disk went away a moment ago: what is put there is found by nobody."""
    staging = folder / STAGING
    if not staging.is_dir():
        if not (folder / MARKER).is_file():
            raise FileNotFoundError(staging)
        staging.mkdir(exist_ok=True)
    return staging


@contextmanager
def staging_path(folder: Path) -> Generator[Path]:
    """Where to put a file that is then put in its place; nothing is left here."""
    staged = new_staging_path(folder)
    try:
        yield staged
    finally:
        # Still there when it was linked, or renamed over another link of the same file: that rename does nothing.
        staged.unlink(missing_ok=True)


@contextmanager
def staging_file(folder: Path) -> Generator[tuple[Path, BinaryIO]]:
    """One to write into, locked meanwhile: however long that takes, no sweep takes it for a dead writer's."""
    with staging_path(folder) as staged, staged.open("xb", buffering=_BUFFER_BYTES) as file:
        lock(file)
        yield staged, file
