"""Whether a bucket can be used now: asked by using it."""

import asyncio
import secrets
from datetime import datetime, timedelta
from typing import Final

from editqueue.domain.errors import EditQueueError, ObjectMissing, StorageUnavailable
from editqueue.ports.bucket import Bucket

PROBES: Final = ".editqueue-probe"
"""Every probe has keys of its own below: R2 takes about one write a second of a key. No customer's object is there."""
PATIENCE: Final = timedelta(seconds=10)
"""For a whole probe."""


async def try_out(bucket: Bucket, *, patience: timedelta = PATIENCE) -> datetime:
    """Write, look at, copy and delete a small object: returns the time by the bucket's own clock.

    Raises StorageUnavailable or PermanentError. A probe that dies, or may not delete, leaves its objects behind.
    """
    key = f"{PROBES}/{secrets.token_hex(8)}"
    keys = [key, f"{key}-copy"]
    try:
        async with asyncio.timeout(patience.total_seconds()):
            await bucket.write(key, b"editqueue", content_type="text/plain")
            try:
                written_at = (await bucket.head(key)).last_modified
                await bucket.copy(*keys)
            except EditQueueError:  # no finally: once the time is up, it would wait for a delete without end
                await bucket.delete(keys)
                raise
            await bucket.delete(keys)
    except TimeoutError as error:
        raise StorageUnavailable(
            f"bucket {bucket.name!r} did not answer within {patience.total_seconds():g} s"
        ) from error
    except ObjectMissing as error:
        raise StorageUnavailable(f"bucket {bucket.name!r} does not keep what it is given: {error}") from error
    return written_at
