"""One attempt at one job, from its claim to its end."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from itertools import chain, repeat

from editqueue.domain.errors import ClaimLost, JobTimedOut, StorageUnavailable
from editqueue.domain.jobs import JobStatus, RetryPolicy
from editqueue.ports import Ports
from editqueue.ports.job_store import Claim
from editqueue.ports.journal import Stage
from editqueue.use_cases.consumer.edit import edit
from editqueue.use_cases.consumer.ground import PROBE_DATABASE_EVERY, find_lost_ground, paused
from editqueue.use_cases.consumer.stopwatch import Stopwatch
from editqueue.use_cases.consumer.verdict import (
    Done,
    End,
    Failed,
    HandedBack,
    Lost,
    Retry,
    Verdict,
    described,
    may_be_the_ground,
    verdict_on,
)
from editqueue.use_cases.run_to_completion import run_to_completion
from editqueue.use_cases.unless_stopped import Stop, unless_stopped

SETTLE_WAITS = (0.1, 0.2, 0.5)
"""Seconds between tries to write a result down while the database is away; the last is repeated."""


def _nothing() -> None:
    pass


async def process_next(ports: Ports, *, claimed: Callable[[], None] = _nothing) -> End | None:
    """Work on the job that is next in line. None if none may run now. `claimed` is called when there is one.

    Raises StorageUnavailable when no job can be claimed because the database is away, and GroundLost when the job was
    given back because something that every job stands on is away. Cancelled, it gives the job back, too. A job that is
    given back spends no attempt; a result that is there already is still written down.
    """
    stop = Stop()
    return await run_to_completion(_attempt(ports, stop, claimed), on_cancel=stop.set)


async def _attempt(ports: Ports, stop: Stop, claimed: Callable[[], None]) -> End | None:
    if stop.is_set():
        return None
    # 1. The job is in progress, its file too, and locked.
    stopwatch, losses = Stopwatch(ports.clock), ports.holder.losses
    with stopwatch.timing(Stage.CLAIM):
        claim = await ports.store.claim_next(now=stopwatch.began, holder=ports.holder.held_as)
    if claim is None:
        return None
    claimed()
    ports.journal.transition(claim.job, before=JobStatus.QUEUED, cause="claim")

    # 2. and 3. Copy and preview.
    try:
        verdict = HandedBack() if stop.is_set() else await _edit_in_time(claim, losses, ports, stop, stopwatch)
    except asyncio.CancelledError:  # not by the caller, who sets `stop`: the event loop ends
        stop.set()
        await _settle(claim, HandedBack(), ports, stop)
        raise

    # 4. to 6. The job has ended, the file is unlocked, the customer notified.
    with stopwatch.timing(Stage.SETTLE):
        end = await _settle(claim, verdict, ports, stop)
    ports.journal.attempt(claim.job, stopwatch.course(claim.job, verdict, end))
    if isinstance(verdict, HandedBack):
        if verdict.lost is not None:
            raise verdict.lost
        return None
    return end


async def _edit_in_time(claim: Claim, losses: int, ports: Ports, stop: Stop, stopwatch: Stopwatch) -> Verdict:
    """What became of the edit. Whatever a file does to us, the queue goes on."""
    timer = asyncio.timeout(ports.limits.job_timeout.total_seconds())
    try:
        async with timer:
            with stop.ending(timer):
                is_anothers = partial(_may_be_anothers, claim, losses, ports)
                return await edit(claim.file, ports, stopwatch, is_anothers=is_anothers)
    except Exception as caught:  # noqa: BLE001  # `verdict_on` knows what each error means
        if timer.expired() and stop.is_set():
            return HandedBack()
        late = f"not finished after {ports.limits.job_timeout.total_seconds():.0f} s"
        error = JobTimedOut(late) if timer.expired() else caught
    if may_be_the_ground(error):
        lost = await unless_stopped(find_lost_ground(ports, error), stop)
        if lost is not None or stop.is_set():
            return HandedBack(lost=lost)
    ports.journal.error(claim.job.id, error)
    policy = RetryPolicy(max_retries=ports.limits.max_retries)
    return verdict_on(error, attempts=claim.job.attempts, policy=policy, now=ports.clock.now(), chance=ports.chance())


async def _settle(claim: Claim, verdict: Verdict, ports: Ports, stop: asyncio.Event) -> End:
    """Write the verdict down; while the database is away again and again, as long as `limits.settle_for` allows. Should
    another consumer have the job by then, the token keeps this result out."""
    until = ports.clock.now() + ports.limits.settle_for
    waits = chain(SETTLE_WAITS, repeat(SETTLE_WAITS[-1]))
    with ExitStack() as pause:
        for tries, wait in enumerate(waits, start=1):
            try:
                return await _write_down(claim, verdict, ports)
            except StorageUnavailable as error:
                if tries == 1:
                    ports.journal.error(claim.job.id, error)
                elif tries == 2:
                    pause.enter_context(paused("database", described(error), ports.journal))
            except Exception as error:  # waiting does not mend a defect of ours; the sweep requeues the job
                ports.journal.error(claim.job.id, error)
                raise
            if stop.is_set() or ports.clock.now() >= until:
                pause.pop_all()  # it is not over
                break
            await unless_stopped(ports.pause(wait), stop)
    ports.journal.warning("left_to_the_sweep", job_id=claim.job.id)
    return Lost()


async def _write_down(claim: Claim, verdict: Verdict, ports: Ports) -> End:
    """One atomic step that does nothing once the claim was lost."""
    now = ports.clock.now()
    try:
        match verdict:
            case Done(preview_url=url, bytes_copied=copied):
                await ports.store.finish(claim, preview_url=url, bytes_copied=copied, now=now)
            case Failed(error=error, message=message, file_status=status):
                await ports.store.fail(claim, error=error, message=message, file_status=status, now=now)
            case Retry(error=error, run_after=run_after):
                await ports.store.retry_later(claim, error=error, run_after=run_after, now=now)
            case HandedBack(lost=lost_ground):
                reason = None if lost_ground is None else described(lost_ground)
                await ports.store.release(claim, reason=reason, now=now)
    except ClaimLost as lost:
        ports.journal.warning("claim_lost", job_id=claim.job.id, detail=str(lost))
        return Lost()
    ports.journal.transition(claim.job.moved_to(verdict.status), before=JobStatus.IN_PROGRESS, cause=verdict.cause)
    return verdict


async def _may_be_anothers(claim: Claim, losses: int, ports: Ports) -> bool:
    """Whether the job may have been given to another consumer by now, whose preview must stand: by its age, or because
    our lock was lost since there were so many `losses`, and the job with it before the lock was taken again."""
    if claim.job.holder is not None and ports.holder.losses != losses and not await _stands(claim, ports):
        return True
    return claim.job.started_at is None or ports.clock.now() - claim.job.started_at >= ports.limits.stale_after


async def _stands(claim: Claim, ports: Ports) -> bool:
    """Whether the job is still ours. A database that is away is waited for, as long as the attempt may take: it may be
    its restart that ended our lock."""
    while True:
        with suppress(StorageUnavailable):
            job = await ports.store.job(claim.job.id)
            return job is not None and job.token == claim.job.token
        await ports.pause(PROBE_DATABASE_EVERY)
