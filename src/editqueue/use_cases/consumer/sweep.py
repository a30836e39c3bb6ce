"""One cron tick: what guarantees progress when no message arrives and no consumer comes back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from editqueue.ports import Ports
from editqueue.use_cases.consumer.deletion_time import deletion_time
from editqueue.use_cases.consumer.expire_objects import expire_objects
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.consumer.rescue import rescue
from editqueue.use_cases.consumer.take_over import take_over

LEFTOVER_AGE = timedelta(hours=1)
"""A temporary piece of a write older than this belongs to a writer that died."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepReport:
    requeued: int
    processed: int
    expired: int
    leftovers: int


def _never() -> bool:
    return False


async def sweep(ports: Ports, *, stopped: Callable[[], bool] = _never) -> SweepReport:
    """Requeue the jobs of consumers that are gone, work on up to `limits.sweep_batch` jobs, retire old objects.

    A part that fails is logged and does not keep the others from being done. Two sweeps at once are harmless.
    Once `stopped`, nothing new is begun. Cancelled, the running job is given back.
    """
    requeued = await _or_zero(rescue(ports), ports) + await _or_zero(take_over(ports), ports)
    processed = 0
    while processed < ports.limits.sweep_batch and not stopped() and await _or_zero(_process_one(ports), ports):
        processed += 1
    expired = leftovers = 0
    if not stopped():
        try:
            expired, leftovers = await keep_house(ports, stopped=stopped)
        except Exception as error:  # noqa: BLE001  # as in `_or_zero`
            ports.journal.error(None, error)
    return SweepReport(requeued=requeued, processed=processed, expired=expired, leftovers=leftovers)


async def keep_house(ports: Ports, *, stopped: Callable[[], bool] = _never) -> tuple[int, int]:
    """The part of a sweep that works on no job. Returns how many files expired and how many leftovers went. Raises
    what the bucket raises if it does not tell its time."""
    now = await deletion_time(ports)
    expired = await _or_zero(expire_objects(ports, as_of=now, stopped=stopped), ports)
    return expired, await _or_zero(ports.bucket.remove_leftovers(before=now - LEFTOVER_AGE), ports)


async def _process_one(ports: Ports) -> int:
    return 0 if await process_next(ports) is None else 1


async def _or_zero(work: Awaitable[int], ports: Ports) -> int:
    try:
        return await work
    except Exception as error:  # noqa: BLE001  # a defect in one part must not keep the others from being done
        ports.journal.error(None, error)
        return 0
