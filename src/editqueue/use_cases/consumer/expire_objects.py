"""Retention: what was made for the customer lives 90 days after `finished_at`; RAW is left alone."""

from collections.abc import Callable
from datetime import datetime, timedelta

from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.files import File
from editqueue.ports import Ports
from editqueue.ports.bucket import Bucket
from editqueue.ports.job_store import Expiry
from editqueue.use_cases.consumer.edit import edit
from editqueue.use_cases.consumer.stopwatch import Stopwatch

BATCH = 100
"""Files that are marked and retired together."""
BATCHES, BEGUN_WITHIN = 10, timedelta(seconds=30)
"""In one tick, and how soon after its begin the last of them begins: jobs wait for the next tick to be rescued."""
PATIENCE = 1 / 3
"""The share of `limits.stale_after` after which an expiry is left to the next tick: once all of it has passed, another
consumer may settle that of the same file, and what lies there then may be of a newer edit."""

BETWEEN_TRIES = 2.0
"""Seconds, at making again what was deleted too late."""


async def expire_objects(ports: Ports, *, as_of: datetime, stopped: Callable[[], bool]) -> int:
    """Retire the objects of files whose time was up at `as_of`, the oldest first; what is left over is for the next
    tick. Once `stopped`, no batch is begun, nor after one that failed in part. Returns how many files."""
    began, expired = ports.clock.now(), 0
    for _ in range(BATCHES):
        now = ports.clock.now()
        due = await ports.store.begin_expiry(
            finished_before=as_of - ports.limits.retention,
            abandoned_before=now - ports.limits.stale_after,
            limit=BATCH,
            now=now,
        )
        retired = sum([await _expire(expiry, ports) for expiry in due])
        expired += retired
        if retired < BATCH or stopped() or ports.clock.now() - began > BEGUN_WITHIN:
            break
    return expired


async def _expire(expiry: Expiry, ports: Ports) -> bool:
    if ports.clock.now() - expiry.expiring_at > ports.limits.stale_after * PATIENCE:
        return False
    try:
        await retire_objects(expiry.file, ports.bucket)
        if await ports.store.settle_expiry(expiry, now=ports.clock.now()):
            return True
        await _make_again(expiry.file, ports)
    except Exception as error:  # noqa: BLE001  # the others still get their turn; this one is due again on a later tick
        ports.journal.error(None, error)
    return False


async def _make_again(file: File, ports: Ports) -> None:
    """This process stood still in the midst of it for so long that another one settled the expiry. What it deleted
    after that may be of a newer edit: the same is made again, as long as results are waited for to be written down."""
    until = ports.clock.now() + ports.limits.settle_for
    while True:
        try:
            for found in await ports.store.files([file.id]):
                if found.deleted_at is None and (found.locked or found.preview_url is not None):
                    ports.journal.warning("expired_too_late", object_key=found.object_key)
                    await edit(found, ports, Stopwatch(ports.clock))
        except StorageUnavailable:
            if ports.clock.now() >= until:
                raise
            await ports.pause(BETWEEN_TRIES)
        else:
            return


async def retire_objects(file: File, bucket: Bucket) -> None:
    """Delete what was made of `file`. "Archive instead of delete" will replace this one function."""
    await bucket.delete([file.keys.processed, file.keys.preview])
