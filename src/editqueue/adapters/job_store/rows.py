"""Database rows to domain values, and times to what is stored of them."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from editqueue.adapters.job_store.databases.database import Row
from editqueue.domain.attempts import Attempt, AttemptEnd
from editqueue.domain.files import File, FileStatus, Notification, NotificationType, Order, Upload
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.overview import Failure, RunningJob

T = TypeVar("T")

CLOCKS_APART_MS = 1_000
"""So much before it is queued, or queued again, may a job run: to a consumer that is woken at once and whose clock is a
little behind, it would be one of the future, to be left alone until the next poll. Each process knows the database's
time to half a round trip."""


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC, as stored."""
    return round(moment.timestamp() * 1000)


def to_time(ms: float) -> datetime:
    """The reverse of `to_ms`; D1 returns integers as floats."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def time_or_none(ms: float | None) -> datetime | None:
    return None if ms is None else to_time(ms)


_RENAMED = {"index": "position", "fair_order": "turn"}
"""The columns of fields that have another name there."""
_ELSEWHERE = {"traceparent"}
"""The fields that are in no column of their table."""
_FROM_STORED: Mapping[object, Callable[[Any], object]] = {
    datetime: to_time,
    datetime | None: time_or_none,
    int: int,
    int | None: lambda stored: None if stored is None else int(stored),
    bool: bool,
    FileStatus: FileStatus,
    JobStatus: JobStatus,
    NotificationType: NotificationType,
    AttemptEnd: AttemptEnd,
    AttemptEnd | None: AttemptEnd,
}
"""By the type of the field; all others are texts, which are stored as they are."""


def _to(kind: type[T]) -> Callable[[Row], T]:
    """A row as a `kind`: each field from the column of its name."""
    ways = [
        (field.name, _RENAMED.get(field.name, field.name), _FROM_STORED.get(field.type, lambda stored: stored))
        for field in fields(kind)  # pyright: ignore[reportArgumentType]  # all below are dataclasses
        if field.name not in _ELSEWHERE
    ]

    def read(row: Row) -> T:
        return kind(**{name: convert(row[column]) for name, column, convert in ways})

    return read


to_order = _to(Order)
to_upload = _to(Upload)
to_file = _to(File)
to_job = _to(EditJob)


def to_claimed_job(row: Row) -> EditJob:
    """Of a claim, which returns the `traceparent` where traces are on."""
    traceparent = row.get("traceparent")
    return to_job(row) if traceparent is None else replace(to_job(row), traceparent=traceparent)


to_attempt = _to(Attempt)
to_running = _to(RunningJob)
to_failure = _to(Failure)
to_notification = _to(Notification)
to_pause = _to(ConsumerPause)
