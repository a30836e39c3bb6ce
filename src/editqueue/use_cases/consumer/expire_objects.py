"""Retention: what was made for the customer lives 90 days after `finished_at`; RAW is left alone."""

from datetime import datetime

from editqueue.domain.files import File
from editqueue.ports import Ports
from editqueue.ports.bucket import Bucket
from editqueue.ports.job_store import Expiry

BATCH = 100
"""Files retired in one tick."""
PATIENCE = 1 / 3
"""The share of `limits.stale_after` after which an expiry is left to the next tick: once all of it has passed, another
consumer may settle that of the same file, and what lies there then may be of a newer edit."""


async def expire_objects(ports: Ports, *, as_of: datetime) -> int:
    """Retire the objects of files whose time was up at `as_of`. Returns how many files."""
    now = ports.clock.now()
    due = await ports.store.begin_expiry(
        finished_before=as_of - ports.limits.retention,
        abandoned_before=now - ports.limits.stale_after,
        limit=BATCH,
        now=now,
    )
    return sum([await _expire(expiry, ports) for expiry in due])


async def _expire(expiry: Expiry, ports: Ports) -> bool:
    if ports.clock.now() - expiry.expiring_at > ports.limits.stale_after * PATIENCE:
        return False
    try:
        await retire_objects(expiry.file, ports.bucket)
        return await ports.store.settle_expiry(expiry, now=ports.clock.now())
    except Exception as error:  # noqa: BLE001  # the others still get their turn; this one is due again on a later tick
        ports.journal.error(None, error)
        return False


async def retire_objects(file: File, bucket: Bucket) -> None:
    """Delete what was made of `file`. "Archive instead of delete" will replace this one function."""
    await bucket.delete([file.keys.processed, file.keys.preview])
