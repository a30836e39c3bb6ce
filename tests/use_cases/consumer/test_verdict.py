"""What each failure means for its job."""

from datetime import timedelta

import pytest

from devtools.seeds import NOON
from editqueue.domain import messages
from editqueue.domain.errors import (
    BrokenPicture,
    ImageWorkerDied,
    JobTimedOut,
    NotAPicture,
    OverLimit,
    PermanentError,
    QueueUnavailable,
    RawMissing,
    StorageUnavailable,
)
from editqueue.domain.files import FileStatus
from editqueue.domain.jobs import RetryPolicy
from editqueue.use_cases.consumer.verdict import Failed, Retry, verdict_on

MOST = RetryPolicy(max_retries=3)


def judged(error: Exception, *, attempts: int = 1, chance: float = 0.5) -> Failed | Retry:
    return verdict_on(error, attempts=attempts, policy=MOST, now=NOON, chance=chance)


def test_a_missing_original_fails_at_once_and_the_file_can_be_submitted_again() -> None:
    expected = Failed(
        error="raw_missing: no original at k", message=messages.RAW_MISSING, file_status=FileStatus.QUEUED
    )

    assert judged(RawMissing("no original at k")) == expected


@pytest.mark.parametrize("kind", [BrokenPicture, NotAPicture, OverLimit, PermanentError])
def test_a_permanent_error_fails_at_once_with_a_reason_for_the_customer(kind: type[PermanentError]) -> None:
    verdict = judged(kind("kaputt"))

    assert isinstance(verdict, Failed)
    assert (verdict.error, verdict.file_status) == (f"{kind.code}: kaputt", FileStatus.FAILED)
    assert messages.REASONS.get(kind.code, messages.OTHER_REASON) in verdict.message
    assert "kaputt" not in verdict.message


@pytest.mark.parametrize(
    "error",
    [
        StorageUnavailable("503"),
        QueueUnavailable("503"),
        ImageWorkerDied("signal 9"),
        JobTimedOut("late"),
        TypeError("a bug"),
        OSError("reset"),
    ],
)
def test_anything_else_is_tried_three_more_times_and_then_fails(error: Exception) -> None:
    verdicts = [judged(error, attempts=number) for number in (1, 2, 3, 4)]

    assert [verdict.retry_in for verdict in verdicts] == [
        timedelta(seconds=15),
        timedelta(seconds=60),
        timedelta(seconds=240),
        None,
    ]
    assert isinstance(verdicts[-1], Failed)
    assert verdicts[-1].message == messages.GAVE_UP


def test_an_error_that_nobody_raised_on_purpose_is_an_internal_error() -> None:
    assert judged(TypeError("a bug")).error == "internal_error: TypeError: a bug"


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 12), (0.5, 15), (1.0, 18)])
def test_the_wait_varies_by_a_fifth(chance: float, seconds: float) -> None:
    verdict = judged(StorageUnavailable("503"), chance=chance)

    assert isinstance(verdict, Retry)
    assert verdict.retry_in == timedelta(seconds=seconds)
    assert verdict.run_after == NOON + verdict.retry_in
