"""How an attempt at a job ends, and what a failure means: pure, so that it reads and is tested like a table."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from editqueue.domain import messages
from editqueue.domain.errors import (
    BrokenPicture,
    GroundLost,
    NotAPicture,
    OverLimit,
    PermanentError,
    RawMissing,
    code_of,
)
from editqueue.domain.files import FileStatus
from editqueue.domain.jobs import JobStatus, RetryPolicy

MAX_ERROR = 500
"""Characters of an error kept with its job."""
_QUERY = re.compile(r"(\w+://[^\s?'\"<>]*)\?[^\s'\"<>]*")
_USERINFO = re.compile(r"(\w+://)[^\s/@]+@")


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """Copy and preview are there."""

    preview_url: str
    bytes_copied: int
    result: ClassVar = "done"
    retry_in: ClassVar = None
    status: ClassVar = JobStatus.DONE
    cause: ClassVar = "finish"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Trying again cannot help, or was tried often enough."""

    error: str
    message: str
    """For the customer; `{name}` is the file's."""
    file_status: FileStatus
    result: ClassVar = "failed"
    retry_in: ClassVar = None
    status: ClassVar = JobStatus.FAILED
    cause: ClassVar = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """May succeed later."""

    error: str
    run_after: datetime
    retry_in: timedelta
    result: ClassVar = "retry"
    status: ClassVar = JobStatus.QUEUED
    cause: ClassVar = "retry"


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedBack:
    """Nothing came of it, and the file has no part in that: the attempt is not spent."""

    lost: GroundLost | None = None
    """What is away; None if the consumer was told to stop."""
    result: ClassVar = "handed_back"
    retry_in: ClassVar = None
    status: ClassVar = JobStatus.QUEUED
    cause: ClassVar = "hand_back"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """Nothing was written down: another consumer has the job, or the sweep will requeue it."""

    result: ClassVar = "claim_lost"
    retry_in: ClassVar = None


Verdict = Done | Failed | Retry | HandedBack
End = Verdict | Lost


def may_be_the_ground(error: BaseException) -> bool:
    """False for what was found out about the picture itself."""
    return not isinstance(error, (BrokenPicture, NotAPicture, OverLimit))


def verdict_on(
    error: BaseException, *, attempts: int, policy: RetryPolicy, now: datetime, chance: float
) -> Failed | Retry:
    """What follows when attempt number `attempts` (from 1) ended in `error`; `chance` in [0, 1) is for the jitter.

    Whatever is not known to be permanent is tried again, errors that nobody thought of included.
    """
    text = described(error)
    if isinstance(error, RawMissing):
        return Failed(error=text, message=messages.RAW_MISSING, file_status=FileStatus.QUEUED)
    if isinstance(error, PermanentError):
        reason = messages.REASONS.get(error.code, messages.OTHER_REASON)
        message = messages.BROKEN.replace("{reason}", reason)
        return Failed(error=text, message=message, file_status=FileStatus.FAILED)
    if policy.exhausted(attempts):
        return Failed(error=text, message=messages.GAVE_UP, file_status=FileStatus.FAILED)
    wait = policy.delay(attempts, chance)
    return Retry(error=text, run_after=now + wait, retry_in=wait)


def described(error: BaseException) -> str:
    """`code: message`, without the signature or password that a URL in it may carry."""
    code = code_of(error)
    name = f"{type(error).__name__}: " if code == "internal_error" else ""
    text = _USERINFO.sub(r"\1...@", _QUERY.sub(r"\1?...", str(error)))
    return f"{code}: {name}{text}".replace("\x00", "?")[:MAX_ERROR]
