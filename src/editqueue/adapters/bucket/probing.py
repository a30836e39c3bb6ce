"""Whether a bucket can be used now: asked by using it."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from editqueue.domain.errors import ObjectMissing, StorageUnavailable
from editqueue.ports.bucket import Bucket

PROBE_KEY: Final = ".editqueue-probe"
"""One for all, so that no probe that died leaves more than this; no customer's object is there."""
PATIENCE: Final = timedelta(seconds=10)
"""For a whole probe."""
_TRIES: Final = 5
"""Each needs another probe that deletes the object at just the wrong moment."""


async def write_and_look(bucket: Bucket, *, patience: timedelta = PATIENCE) -> datetime:
    """Write, look at and delete a small object: returns the time by the bucket's own clock.

    Raises StorageUnavailable or PermanentError.
    """
    try:
        async with asyncio.timeout(patience.total_seconds()):
            written_at = await _written_at(bucket)
            await bucket.delete([PROBE_KEY])
    except TimeoutError as error:
        raise StorageUnavailable(
            f"bucket {bucket.name!r} did not answer within {patience.total_seconds():g} s"
        ) from error
    return written_at


async def _written_at(bucket: Bucket) -> datetime:
    for _ in range(_TRIES):
        try:
            await bucket.write(PROBE_KEY, b"editqueue", content_type="text/plain")
            return (await bucket.head(PROBE_KEY)).last_modified
        except ObjectMissing:
            continue
    raise StorageUnavailable(f"bucket {bucket.name!r} does not keep what it is given: {PROBE_KEY!r} is gone at once")
