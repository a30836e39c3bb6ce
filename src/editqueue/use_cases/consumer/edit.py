"""What is made of an original: its copy, and a preview of 1280 px."""

import asyncio
from collections.abc import Awaitable, Callable

from editqueue.domain.errors import (
    EditQueueError,
    JobTimedOut,
    NoToolForFormat,
    ObjectMissing,
    ProcessingError,
    RawMissing,
    StorageUnavailable,
)
from editqueue.domain.files import File
from editqueue.domain.keys import preview_pointer
from editqueue.ports import Ports
from editqueue.ports.bucket import ObjectInfo
from editqueue.ports.image_tools import Preview
from editqueue.ports.journal import Stage
from editqueue.use_cases.consumer.stopwatch import Stopwatch
from editqueue.use_cases.consumer.verdict import Done
from editqueue.use_cases.unless_stopped import end_all

FAILS_BY_ITSELF = 1.0
"""Seconds that a preview has to find out itself that its original is not to be had."""


async def edit(
    file: File, ports: Ports, stopwatch: Stopwatch, *, is_anothers: Callable[[], Awaitable[bool]] | None = None
) -> Done:
    """Make both objects of `file`. A real editing step goes where the copy is: from `keys.raw` to `keys.processed`.

    Copy and preview are of the same version of the original: whoever replaces it meanwhile makes the attempt fail. The
    preview is begun at once, made while the store copies, and written after the copy is there, unless the job
    `is_anothers` by then, as it may be: JobTimedOut. Raises EditQueueError.
    """
    keys = file.keys
    try:
        making = asyncio.create_task(_make_preview(keys.raw, ports, stopwatch))
        try:
            with stopwatch.timing(Stage.COPY):
                original = await _looked_at(keys.raw, making, ports)
                await ports.bucket.copy(keys.raw, keys.processed, etag=original.etag)
            preview = await _finished(making, original, ports)
        finally:
            await end_all([making])
        if is_anothers is not None and await is_anothers():
            raise JobTimedOut("came back after the job could be given to another worker; wrote nothing more")
        with stopwatch.timing(Stage.PUBLISH):
            if preview is None:
                stopwatch.made_placeholder(original.size)
                await ports.bucket.copy(keys.raw, keys.preview, etag=original.etag)
            else:
                await ports.bucket.write(keys.preview, preview.body, content_type="image/jpeg")
    except ObjectMissing as error:
        raise RawMissing(f"no original at {error.key}") from error
    return Done(preview_url=preview_pointer(ports.bucket.name, keys), bytes_copied=original.size)


async def _make_preview(key: str, ports: Ports, stopwatch: Stopwatch) -> Preview:
    with stopwatch.timing(Stage.PREVIEW):
        preview = await ports.images.make_preview(key)
    stopwatch.made(preview)
    return preview


async def _looked_at(key: str, making: asyncio.Task[Preview], ports: Ports) -> ObjectInfo:
    """What the bucket has at `key`. If that fails, so does the preview by itself: cutting it off at once would cost an
    image process, and the next job the start of another."""
    try:
        return await ports.bucket.head(key)
    except EditQueueError:
        await asyncio.wait([making], timeout=FAILS_BY_ITSELF)
        raise


async def _finished(making: asyncio.Task[Preview], original: ObjectInfo, ports: Ports) -> Preview | None:
    """The preview of `original`, None if it gets the placeholder copy. What is said of another version counts for
    nothing."""
    try:
        preview = await making
    except ProcessingError as error:
        _confirm_version(error.etag, original)
        if not isinstance(error, NoToolForFormat):
            raise
        ports.journal.warning("placeholder_preview", object_key=original.key, reason=str(error))
        return None
    _confirm_version(preview.etag, original)
    return preview


def _confirm_version(etag: str | None, original: ObjectInfo) -> None:
    if etag not in {None, original.etag}:
        raise StorageUnavailable(f"{original.key} was replaced while it was edited")
