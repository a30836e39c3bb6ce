"""What is only read. Each query is answered by an index, see docs/decisions/0021."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, func, select

from editqueue.adapters.job_store import schema
from editqueue.adapters.job_store.databases.constructs import each_id
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.rows import time_or_none, to_file, to_job, to_ms, to_notification, to_order, to_upload
from editqueue.adapters.job_store.schema import DONE, FAILED, IN_PROGRESS, LOCKED, QUEUED, orders, uploads
from editqueue.adapters.job_store.statements.group import Group, reading, reading_one
from editqueue.domain.files import File, FileStatus, Notification, Order, Upload
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_store import FileQuery, JobQuery, QueueStats

_FILES = schema.files.c
_JOBS = schema.jobs.c
_NOTIFICATIONS = schema.notifications.c


def order(order_id: str) -> Group[Order | None]:
    return reading_one(select(*orders.c).where(orders.c.id == order_id), to_order)


def upload(object_key: str) -> Group[Upload | None]:
    return reading_one(select(*uploads.c).where(uploads.c.object_key == object_key), to_upload)


def file_of_key(object_key: str) -> Group[File | None]:
    return reading_one(select(*_FILES).where(_FILES.object_key == object_key), to_file)


def files(ids: Sequence[str]) -> Group[Sequence[File]]:
    wanted = each_id(ids)
    return reading(select(*_FILES).where(_FILES.id.in_(select(wanted.c.key))).order_by(_FILES.id), to_file)


def list_files(query: FileQuery) -> Group[Sequence[File]]:
    found = select(*_FILES).where(
        _FILES.order_id == query.order_id, _FILES.deleted_at.is_(None), _FILES.position > query.after_index
    )
    if query.status is not None:
        found = found.where(_FILES.status == query.status.value)
    if query.marked is not None:
        found = found.where(_FILES.marked.is_(query.marked))
    if query.room_type is not None:
        found = found.where(_FILES.room_type == query.room_type)
    return reading(found.order_by(_FILES.position).limit(query.limit), to_file)


def count_files(order_id: str) -> Group[Mapping[FileStatus, int]]:
    counted = (
        select(_FILES.status, func.count().label("total"))
        .where(_FILES.order_id == order_id, _FILES.deleted_at.is_(None))
        .group_by(_FILES.status)
    )
    return Group(
        statements=(counted,), read=lambda rows: {FileStatus(row["status"]): int(row["total"]) for row in rows[0]}
    )


def known_objects(*, after_key: str, limit: int) -> Group[Sequence[File]]:
    found = select(*_FILES).where(_FILES.object_key > after_key)
    return reading(found.order_by(_FILES.object_key).limit(limit), to_file)


def notifications(user_id: str, *, limit: int, before_id: str | None) -> Group[Sequence[Notification]]:
    found = select(*_NOTIFICATIONS).where(_NOTIFICATIONS.user_id == user_id)
    if before_id is not None:
        found = found.where(_NOTIFICATIONS.id < before_id)
    return reading(found.order_by(_NOTIFICATIONS.id.desc()).limit(limit), to_notification)


def job(job_id: str) -> Group[EditJob | None]:
    return reading_one(select(*_JOBS).where(_JOBS.id == job_id), to_job)


def jobs(query: JobQuery) -> Group[Sequence[EditJob]]:
    found = select(*_JOBS)
    if query.status is not None:
        found = found.where(_STATUS[query.status])
    if query.order_id is not None:
        found = found.where(_JOBS.order_id == query.order_id)
    return reading(found.order_by(_JOBS.id.desc()).limit(query.limit), to_job)


def has_work() -> Group[bool]:
    # Each in the order of an index: PostgreSQL, given a LIMIT alone, reads the table from its oldest end.
    running = select(_JOBS.id).where(IN_PROGRESS).order_by(_JOBS.started_at).limit(1)
    queued = select(_JOBS.id).where(QUEUED).order_by(_JOBS.express.desc(), _JOBS.turn, _JOBS.id).limit(1)
    return Group(statements=(running, queued), read=any)


def queue_stats(*, now: datetime) -> Group[QueueStats]:
    running = exists().where(IN_PROGRESS, _JOBS.file_id == _FILES.id)
    total = func.count().label("total")
    of_jobs = [select(total).select_from(schema.jobs).where(_STATUS[status]) for status in JobStatus]
    of_files = select(_FILES.status, total).where(_FILES.deleted_at.is_(None)).group_by(_FILES.status)
    oldest = select(func.min(_JOBS.run_after).label("since")).where(QUEUED, _JOBS.run_after <= to_ms(now))
    stale = select(total).select_from(schema.files).where(LOCKED, ~running)
    return Group(statements=(*of_jobs, of_files, oldest, stale), read=_to_stats)


def _to_stats(rows: Sequence[Rows]) -> QueueStats:
    *of_jobs, of_files, oldest, stale = rows
    file_totals = {row["status"]: int(row["total"]) for row in of_files}
    return QueueStats(
        jobs={status.value: int(found[0]["total"]) for status, found in zip(JobStatus, of_jobs, strict=True)},
        files={status.value: file_totals.get(status.value, 0) for status in FileStatus},
        oldest_eligible=time_or_none(oldest[0]["since"]),
        stale_locks=int(stale[0]["total"]),
    )


# Each with the condition of the partial index that answers it, word for word.
_STATUS = {JobStatus.QUEUED: QUEUED, JobStatus.IN_PROGRESS: IN_PROGRESS, JobStatus.DONE: DONE, JobStatus.FAILED: FAILED}
