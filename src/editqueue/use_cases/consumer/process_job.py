"""Work on one job: claim, copy, preview, publish - or decide what its failure means."""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from editqueue.domain import messages
from editqueue.domain.errors import (
    ClaimLost,
    EditQueueError,
    JobTimedOut,
    NoToolForFormat,
    ObjectMissing,
    PermanentError,
    RawMissing,
    StorageUnavailable,
)
from editqueue.domain.files import FileStatus
from editqueue.domain.jobs import JobStatus, RetryAt, RetryPolicy, plan_retry
from editqueue.domain.keys import ObjectKeys, preview_pointer
from editqueue.ports import Ports
from editqueue.ports.job_store import Claim
from editqueue.use_cases.run_to_completion import run_to_completion

SETTLE_WAITS = (0.5, 1, 2, 4, 8, 15, 30, 30)
"""Seconds between tries to write a result down while the database is away: 90 s in all."""
MAX_ERROR = 500
"""Characters of an error kept with its job."""
_QUERY = re.compile(r"(\w+://[^\s?'\"<>]*)\?[^\s'\"<>]*")
_USERINFO = re.compile(r"(\w+://)[^\s/@]+@")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How one attempt ended."""

    job_id: str
    result: str
    """`done`, `failed`, `retry` or `claim_lost`."""
    retry_in: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    preview_url: str
    bytes_copied: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    error: str
    message: str
    file_status: FileStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class TryAgain:
    error: str


Verdict = Done | Failed | TryAgain


async def process_next(ports: Ports) -> Outcome | None:
    """Work on the job that is next in turn. None if none may run now.

    Raises StorageUnavailable when no job can be claimed because the database is away. Cancelled, it hands the
    job back without spending an attempt.
    """
    claim = await _claim_or_hand_back(ports)
    if claim is None:
        return None
    started = time.monotonic()
    try:
        verdict = await _attempt(claim, ports)
        return await _settle_patiently(claim, verdict, started, ports)
    except asyncio.CancelledError:
        await run_to_completion(_hand_back(claim, ports))
        raise


async def _claim_or_hand_back(ports: Ports) -> Claim | None:
    """Claim; cancelled meanwhile, wait for the answer: a claim nobody heard of would lock its file for long."""
    claiming = asyncio.create_task(_claim(ports))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        with suppress(EditQueueError):
            claim = await claiming
            if claim is not None:
                await _hand_back(claim, ports)
        raise


async def _claim(ports: Ports) -> Claim | None:
    claim = await ports.store.claim_next(now=ports.clock.now())
    if claim is not None:
        ports.journal.transition(claim.job, before=JobStatus.QUEUED, cause="claim")
    return claim


async def _attempt(claim: Claim, ports: Ports) -> Verdict:
    limit = ports.limits.job_timeout.total_seconds()
    timer = asyncio.timeout(limit)
    try:
        async with timer:
            return await _work(claim, ports)
    except Exception as caught:  # noqa: BLE001  # whatever a file does to us, the queue goes on
        error = JobTimedOut(f"not finished after {limit:.0f} s") if timer.expired() else caught
    ports.journal.error(claim.job.id, error)
    return judge(error)


async def _work(claim: Claim, ports: Ports) -> Done:
    keys = ObjectKeys.from_raw(claim.file.object_key)
    try:
        copied = await ports.bucket.copy(keys.raw, keys.processed)
        await _publish_preview(claim, keys, ports)
    except ObjectMissing as error:
        raise RawMissing(f"no original at {error.key}") from error
    return Done(preview_url=preview_pointer(ports.bucket.name, keys), bytes_copied=copied)


async def _publish_preview(claim: Claim, keys: ObjectKeys, ports: Ports) -> None:
    try:
        preview = await ports.images.make_preview(keys.raw)
    except NoToolForFormat as error:
        _refuse_if_late(claim, ports)
        ports.journal.warning("placeholder_preview", object_key=keys.raw, reason=str(error))
        await ports.bucket.copy(keys.raw, keys.preview)
    else:
        _refuse_if_late(claim, ports)
        await ports.bucket.write(keys.preview, preview.body, content_type="image/jpeg")


def _refuse_if_late(claim: Claim, ports: Ports) -> None:
    """Raises JobTimedOut once the sweep may have given the job to another worker, whose preview must stand."""
    started = claim.job.started_at
    if started is not None and ports.clock.now() - started >= ports.limits.stale_after:
        raise JobTimedOut("came back after the job could be given to another worker; wrote nothing more")


def judge(error: Exception) -> Verdict:
    """What an attempt that ended in `error` means for its job, before attempts are counted."""
    text = _describe(error)
    if isinstance(error, RawMissing):
        return Failed(error=text, message=messages.RAW_MISSING, file_status=FileStatus.QUEUED)
    if isinstance(error, PermanentError):
        reason = messages.REASONS.get(error.code, "Die Datei kann nicht verarbeitet werden.")
        message = messages.BROKEN.replace("{reason}", reason)
        return Failed(error=text, message=message, file_status=FileStatus.FAILED)
    return TryAgain(error=text)


def _describe(error: Exception) -> str:
    """`code: message`, without the signature or password that a URL in it may carry."""
    code = error.code if isinstance(error, EditQueueError) else type(error).__name__
    text = _USERINFO.sub(r"\1...@", _QUERY.sub(r"\1?...", str(error)))
    return f"{code}: {text}".replace("\x00", "?")[:MAX_ERROR]


async def _settle_patiently(claim: Claim, verdict: Verdict, started: float, ports: Ports) -> Outcome:
    """Write the verdict down, trying again while the database is away.

    If it stays away longer than SETTLE_WAITS, the job is left to the sweep, which requeues it.
    """
    for wait in SETTLE_WAITS:
        try:
            return await run_to_completion(_settle_and_tell(claim, verdict, started, ports))
        except StorageUnavailable as error:
            ports.journal.error(claim.job.id, error)
        await _pause_or_last_try(wait, claim, verdict, started, ports)
    ports.journal.warning("left_to_the_sweep", job_id=claim.job.id)
    outcome = Outcome(job_id=claim.job.id, result="claim_lost")
    _tell(claim, verdict, started, outcome, ports)
    return outcome


async def _pause_or_last_try(wait: float, claim: Claim, verdict: Verdict, started: float, ports: Ports) -> None:
    """Cancelled meanwhile, try once more: the work is done, and the last try may have been committed unheard."""
    try:
        await ports.pause(wait)
    except asyncio.CancelledError:
        with suppress(StorageUnavailable):
            await run_to_completion(_settle_and_tell(claim, verdict, started, ports))
        raise


async def _settle_and_tell(claim: Claim, verdict: Verdict, started: float, ports: Ports) -> Outcome:
    try:
        outcome = await _settle(claim, verdict, ports)
    except ClaimLost as error:
        ports.journal.warning("claim_lost", job_id=claim.job.id, detail=str(error))
        outcome = Outcome(job_id=claim.job.id, result="claim_lost")
    _tell(claim, verdict, started, outcome, ports)
    return outcome


def _tell(claim: Claim, verdict: Verdict, started: float, outcome: Outcome, ports: Ports) -> None:
    copied = verdict.bytes_copied if isinstance(verdict, Done) else 0
    seconds = time.monotonic() - started
    ports.journal.attempt(claim.job, seconds=seconds, bytes_copied=copied, result=outcome.result)


async def _settle(claim: Claim, verdict: Verdict, ports: Ports) -> Outcome:
    match verdict:
        case Done():
            return await _finish(claim, verdict, ports)
        case Failed():
            return await _fail(claim, verdict, ports)
        case TryAgain():
            return await _retry_or_give_up(claim, verdict, ports)


async def _finish(claim: Claim, verdict: Done, ports: Ports) -> Outcome:
    await ports.store.finish(
        claim,
        preview_url=verdict.preview_url,
        bytes_copied=verdict.bytes_copied,
        now=ports.clock.now(),
    )
    return _moved(claim, JobStatus.DONE, "finish", "done", ports)


async def _fail(claim: Claim, verdict: Failed, ports: Ports) -> Outcome:
    await ports.store.fail(
        claim,
        error=verdict.error,
        message=verdict.message,
        file_status=verdict.file_status,
        now=ports.clock.now(),
    )
    return _moved(claim, JobStatus.FAILED, "fail", "failed", ports)


async def _retry_or_give_up(claim: Claim, verdict: TryAgain, ports: Ports) -> Outcome:
    now = ports.clock.now()
    policy = RetryPolicy(max_retries=ports.limits.max_retries)
    match plan_retry(policy, attempts=claim.job.attempts, now=now, chance=ports.chance()):
        case RetryAt(run_after=run_after):
            await ports.store.retry_later(claim, error=verdict.error, run_after=run_after, now=now)
            moved = _moved(claim, JobStatus.QUEUED, "retry", "retry", ports)
            return Outcome(job_id=moved.job_id, result="retry", retry_in=run_after - now)
        case _:
            spent = Failed(error=verdict.error, message=messages.GAVE_UP, file_status=FileStatus.FAILED)
            return await _fail(claim, spent, ports)


async def _hand_back(claim: Claim, ports: Ports) -> None:
    try:
        await ports.store.release(claim, now=ports.clock.now())
    except ClaimLost:
        return
    except StorageUnavailable as error:
        ports.journal.error(claim.job.id, error)
        return
    _moved(claim, JobStatus.QUEUED, "hand_back", "handed_back", ports)


def _moved(claim: Claim, status: JobStatus, cause: str, result: str, ports: Ports) -> Outcome:
    job = claim.job.moved_to(status)
    ports.journal.transition(job, before=JobStatus.IN_PROGRESS, cause=cause)
    return Outcome(job_id=job.id, result=result)
