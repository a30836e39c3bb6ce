"""One cron tick: what keeps the promise when no message arrives and no worker comes back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from editqueue.domain.jobs import JobStatus
from editqueue.domain.messages import GAVE_UP
from editqueue.ports import Ports
from editqueue.use_cases.consumer.expire_objects import expire_objects
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.run_to_completion import run_to_completion
from editqueue.use_cases.wake_consumers import wake_consumers

LEFTOVER_AGE = timedelta(hours=1)
"""A temporary piece of a write older than this belongs to a writer that died."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepReport:
    requeued: int
    processed: int
    expired: int
    leftovers: int


async def sweep(ports: Ports, *, stopped: Callable[[], bool] = lambda: False) -> SweepReport:
    """Requeue stale jobs, work on up to `limits.sweep_batch` jobs, retire old objects.

    A part that fails is logged and does not keep the others from being done. Two sweeps at once are harmless.
    Once `stopped`, nothing new is begun. Cancelled, the running job is handed back.
    """
    requeued = await _or_zero(rescue(ports), ports)
    processed = await _process_some(ports, stopped)
    kept = _NOTHING if stopped() else await keep_house(ports)
    return SweepReport(requeued=requeued, processed=processed, expired=kept.expired, leftovers=kept.leftovers)


_NOTHING = SweepReport(requeued=0, processed=0, expired=0, leftovers=0)


async def keep_house(ports: Ports) -> SweepReport:
    """The part of a sweep that works on no job: for consumers, which do that anyway."""
    expired = await _or_zero(expire_objects(ports), ports)
    before = ports.clock.now() - LEFTOVER_AGE
    leftovers = await _or_zero(ports.bucket.remove_leftovers(before=before), ports)
    return SweepReport(requeued=0, processed=0, expired=expired, leftovers=leftovers)


async def rescue(ports: Ports) -> int:
    """Take jobs back from workers that did not come back within `limits.stale_after`. Returns how many.

    Those that are queued again get a message: their own may be spent, or leased by the worker that died.
    """
    return await run_to_completion(_requeue_and_tell(ports))


async def _requeue_and_tell(ports: Ports) -> int:
    now = ports.clock.now()
    jobs = await ports.store.rescue(
        started_before=now - ports.limits.stale_after,
        max_retries=ports.limits.max_retries,
        message=GAVE_UP,
        now=now,
    )
    for job in jobs:
        ports.journal.transition(job, before=JobStatus.IN_PROGRESS, cause="stale")
    queued = [job.id for job in jobs if job.status is JobStatus.QUEUED]
    await wake_consumers(queued, queue=ports.queue, journal=ports.journal)
    return len(jobs)


async def _process_some(ports: Ports, stopped: Callable[[], bool]) -> int:
    """How many jobs were worked on, those before a failure, too."""
    for done in range(ports.limits.sweep_batch):
        if stopped() or not await _or_zero(_process_one(ports), ports):
            return done
    return ports.limits.sweep_batch


async def _process_one(ports: Ports) -> int:
    return 0 if await process_next(ports) is None else 1


async def _or_zero(work: Awaitable[int], ports: Ports) -> int:
    try:
        return await work
    except Exception as error:  # noqa: BLE001  # a defect in one part must not keep the others from being done
        ports.journal.error(None, error)
        return 0
