"""The folder of a local bucket: whether it may be made, or is a mount point without its disk."""

import asyncio
import errno
from pathlib import Path
from urllib.parse import unquote, urlsplit

from editqueue.adapters.bucket.local.marker import holds_objects, read_marker
from editqueue.adapters.bucket.local.paths import MARKER
from editqueue.domain.errors import SetupError
from editqueue.ports.job_store import OperatorStore
from editqueue.settings import Settings


def bucket_folder(settings: Settings) -> Path | None:
    """The folder of a file:// bucket; None for S3."""
    url = urlsplit(settings.bucket_url)
    return Path(unquote(url.path)) if url.scheme == "file" else None


async def confirm_folder(folder: Path, store: OperatorStore) -> None:
    """Raises SetupError where the database knows files and no bucket is in the folder."""
    if await is_bucket(folder) or not await store.known_objects(after_key="", limit=1):
        return
    raise SetupError(
        f"EDITQUEUE_BUCKET_URL: the database knows files, but {folder} is empty: mount its disk, or give the "
        "folder that has the objects; if it is meant to be new and empty, say so with: "
        f"mkdir -p {folder} && openssl rand -hex 16 > {folder / MARKER}"
    )


async def confirm_database(file: Path | None, folder: Path | None) -> None:
    """Before a database is made: raises SetupError where there is no `file`, but a bucket with customers' objects, for
    a new one would know no order of theirs. None for another kind of database or bucket."""
    if file is None or folder is None or await asyncio.to_thread(file.exists):
        return
    if not await asyncio.to_thread(holds_objects, folder / "user"):
        return
    raise SetupError(
        f"there is no database {file}, but {folder} has the objects of one: put the database back; to begin anew, move "
        "that folder away"
    )


async def is_bucket(folder: Path) -> bool:
    """Whether a bucket is in the folder; one of an older version has no marker, but objects. Raises SetupError."""

    def look() -> bool:
        existing = next(place for place in (folder, *folder.parents) if place.exists())
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{existing} is no folder")
        return read_marker(folder) is not None or holds_objects(folder)

    try:
        return await asyncio.to_thread(look)
    except OSError as error:
        raise SetupError(
            f"EDITQUEUE_BUCKET_URL: {folder} cannot be read: {error.strerror}; give a folder you may write"
        ) from error
