"""What is only read. Each query is answered by an index, see docs/decisions/0021."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, case, func, select

from editqueue.adapters.job_store import schema
from editqueue.adapters.job_store.databases.constructs import among, given_number, given_text, given_time, ids_as_json
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.rows import time_or_none, to_file, to_job, to_ms, to_notification, to_order, to_upload
from editqueue.adapters.job_store.schema import FILE_COLUMNS, IN_PROGRESS, OF_STATUS, QUEUED, orders, uploads
from editqueue.adapters.job_store.statements.counts import kept_counts, stale_lock, where_books_differ
from editqueue.adapters.job_store.statements.group import Group, reading, reading_one
from editqueue.domain.files import File, FileStatus, Notification, Order, Upload
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_store import FileQuery, QueueStats

_FILES = schema.files.c
_JOBS = schema.jobs.c
_NOTIFICATIONS = schema.notifications.c


def order(order_id: str) -> Group[Order | None]:
    return reading_one(_order().bind(order_id=order_id), to_order)


@cache
def _order() -> Template:
    return Template(select(*orders.c).where(orders.c.id == given_text("order_id")))


def upload(object_key: str) -> Group[Upload | None]:
    return reading_one(_upload().bind(object_key=object_key), to_upload)


@cache
def _upload() -> Template:
    return Template(select(*uploads.c).where(uploads.c.object_key == given_text("object_key")))


def file_of_key(object_key: str) -> Group[File | None]:
    return reading_one(_file_of_key().bind(object_key=object_key), to_file)


@cache
def _file_of_key() -> Template:
    return Template(select(*FILE_COLUMNS).where(_FILES.object_key == given_text("object_key")))


def files(ids: Sequence[str]) -> Group[Sequence[File]]:
    return reading(_files().bind(ids=ids_as_json(ids)), to_file)


@cache
def _files() -> Template:
    return Template(select(*FILE_COLUMNS).where(among(_FILES.id)).order_by(_FILES.id))


def list_files(query: FileQuery) -> Group[Sequence[File]]:
    status = None if query.status is None else query.status.value
    wanted = {"status": status, "marked": query.marked, "room_type": query.room_type}
    filters = {name: value for name, value in wanted.items() if value is not None}
    found = _list_files(*filters).bind(
        order_id=query.order_id, after_index=query.after_index, most=query.limit, **filters
    )
    return reading(found, to_file)


@cache
def _list_files(*filters: str) -> Template:
    """With a condition on each of the columns `filters`."""
    found = select(*FILE_COLUMNS).where(
        _FILES.order_id == given_text("order_id"),
        _FILES.deleted_at.is_(None),
        _FILES.position > given_number("after_index"),
        *(_FILES[name] == bindparam(name, type_=_FILES[name].type) for name in filters),
    )
    return Template(found.order_by(_FILES.position).limit(given_number("most")))


def count_files(order_id: str) -> Group[Mapping[FileStatus, int]]:
    return Group(
        statements=(_count_files().bind(order_id=order_id),),
        read=lambda rows: {FileStatus(row["status"]): int(row["total"]) for row in rows[0]},
    )


@cache
def _count_files() -> Template:
    return Template(
        select(_FILES.status, func.count().label("total"))
        .where(_FILES.order_id == given_text("order_id"), _FILES.deleted_at.is_(None))
        .group_by(_FILES.status)
    )


def known_objects(*, after_key: str, limit: int) -> Group[Sequence[File]]:
    return reading(_known_objects().bind(after_key=after_key, most=limit), to_file)


@cache
def _known_objects() -> Template:
    found = select(*FILE_COLUMNS).where(_FILES.object_key > given_text("after_key"))
    return Template(found.order_by(_FILES.object_key).limit(given_number("most")))


def notifications(user_id: str, *, limit: int, before_id: str | None) -> Group[Sequence[Notification]]:
    before = {} if before_id is None else {"before_id": before_id}
    found = _notifications(older=before_id is not None).bind(user_id=user_id, most=limit, **before)
    return reading(found, to_notification)


@cache
def _notifications(*, older: bool) -> Template:
    """With `older`, only those before the notification `before_id`."""
    found = select(*_NOTIFICATIONS).where(_NOTIFICATIONS.user_id == given_text("user_id"))
    if older:
        found = found.where(_NOTIFICATIONS.id < given_text("before_id"))
    return Template(found.order_by(_NOTIFICATIONS.id.desc()).limit(given_number("most")))


def job(job_id: str) -> Group[EditJob | None]:
    return reading_one(_job().bind(job_id=job_id), to_job)


@cache
def _job() -> Template:
    return Template(select(*_JOBS).where(_JOBS.id == given_text("job_id")))


def has_work() -> Group[bool]:
    return Group(statements=(_any_running().bind(), _any_queued().bind()), read=any)


# Each in the order of an index: PostgreSQL, given a LIMIT alone, reads the table from its oldest end.
@cache
def _any_running() -> Template:
    return Template(select(_JOBS.id).where(IN_PROGRESS).order_by(_JOBS.started_at).limit(1))


@cache
def _any_queued() -> Template:
    return Template(select(_JOBS.id).where(QUEUED).order_by(_JOBS.express.desc(), _JOBS.turn, _JOBS.id).limit(1))


def queue_stats(*, now: datetime, known_locks: int | None) -> Group[QueueStats]:
    """With so many stale locks that are known; None looks for them."""
    return Group(
        statements=(
            _count_jobs(JobStatus.QUEUED).bind(),
            _count_jobs(JobStatus.IN_PROGRESS).bind(),
            kept_counts().bind(),
            _files_without_jobs(looks=known_locks is None).bind(),
            _oldest_eligible().bind(now=to_ms(now)),
        ),
        read=lambda rows: _to_stats(rows, known_locks),
    )


@cache
def _count_jobs(status: JobStatus) -> Template:
    return Template(select(func.count().label("total")).select_from(schema.jobs).where(OF_STATUS[status]))


@cache
def _files_without_jobs(*, looks: bool) -> Template:
    """How many more files than jobs are active, unless they are as many. Who `looks` at all files gets how many of them
    are locked, too."""
    locked = select(func.count()).select_from(schema.files).where(*stale_lock()).scalar_subquery()
    return Template(select(where_books_differ().c.surplus, *([locked.label("locked")] if looks else [])))


@cache
def _oldest_eligible() -> Template:
    ready = select(_JOBS.id).where(QUEUED, _JOBS.run_after <= given_time()).order_by(_JOBS.run_after).limit(1)
    job = schema.jobs.alias("oldest")
    since = case(
        (job.c.run_after > job.c.created_at, job.c.run_after), else_=job.c.created_at
    )  # not before it was made
    return Template(select(select(since).where(job.c.id == ready.scalar_subquery()).scalar_subquery().label("since")))


def _to_stats(rows: Sequence[Rows], known_locks: int | None) -> QueueStats:
    [[queued], [running], [kept], differing, [oldest]] = rows
    surplus = sum(int(row["surplus"]) for row in differing)
    found = sum(int(row.get("locked", 0)) for row in differing)
    locked = found if known_locks is None else min(known_locks, max(surplus, 0))
    active = {JobStatus.QUEUED: int(queued["total"]), JobStatus.IN_PROGRESS: int(running["total"])}
    files = {
        FileStatus.QUEUED: active[JobStatus.QUEUED] + surplus - locked,
        FileStatus.IN_PROGRESS: active[JobStatus.IN_PROGRESS] + locked,
    }
    of_files = files | {status: int(kept[f"files_{status}"]) for status in FileStatus if status not in files}
    of_jobs = active | {status: int(kept[f"jobs_{status}"]) for status in JobStatus if status not in active}
    return QueueStats(
        jobs={status.value: of_jobs[status] for status in JobStatus},
        files={status.value: of_files[status] for status in FileStatus},
        oldest_eligible=time_or_none(oldest["since"]),
        stale_locks=locked,
    )
