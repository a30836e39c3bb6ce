"""What the store can tell: jobs, notifications, the queue_stats."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, exists, func, select

from editqueue.adapters.job_store.databases.database import to_ms, to_time_or_none
from editqueue.adapters.job_store.rows import to_file, to_job, to_notification
from editqueue.adapters.job_store.schema import (
    DONE,
    FAILED,
    IN_PROGRESS,
    LOCKED,
    QUEUED,
    files,
    jobs,
    notifications,
)
from editqueue.adapters.job_store.statements.store_base import StoreBase
from editqueue.domain.files import File, FileStatus, Notification
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_store import JobQuery, QueueStats


class QueryStatements(StoreBase):
    async def notifications(self, user_id: str, *, limit: int, before_id: str | None) -> Sequence[Notification]:
        found = select(*notifications.c).where(notifications.c.user_id == user_id)
        if before_id is not None:
            found = found.where(notifications.c.id < before_id)
        [rows] = await self._database.run(found.order_by(notifications.c.id.desc()).limit(limit))
        return [to_notification(row) for row in rows]

    async def job(self, job_id: str) -> EditJob | None:
        [rows] = await self._database.run(select(*jobs.c).where(jobs.c.id == job_id))
        return to_job(rows[0]) if rows else None

    async def jobs(self, query: JobQuery) -> Sequence[EditJob]:
        found = select(*jobs.c)
        if query.status is not None:
            found = found.where(_STATUS[query.status])
        if query.order_id is not None:
            found = found.where(jobs.c.order_id == query.order_id)
        [rows] = await self._database.run(found.order_by(jobs.c.id.desc()).limit(query.limit))
        return [to_job(row) for row in rows]

    async def has_work(self) -> bool:
        # In the order of an index each: PostgreSQL, told of a LIMIT alone, reads the table from its oldest end.
        running, queued = await self._database.run(
            select(jobs.c.id).where(IN_PROGRESS).order_by(jobs.c.started_at).limit(1),
            select(jobs.c.id).where(QUEUED).order_by(jobs.c.express.desc(), jobs.c.turn, jobs.c.id).limit(1),
        )
        return bool(running or queued)

    async def queue_stats(self, *, now: datetime) -> QueueStats:
        running = exists().where(IN_PROGRESS, jobs.c.file_id == files.c.id)
        *of_jobs, of_files, oldest, stale = await self._database.run(
            *(_count(status) for status in JobStatus),
            select(files.c.status, func.count().label("total"))
            .where(files.c.deleted_at.is_(None))
            .group_by(files.c.status),
            select(func.min(jobs.c.run_after).label("since")).where(QUEUED, jobs.c.run_after <= to_ms(now)),
            select(func.count().label("total")).select_from(files).where(LOCKED, ~running),
        )
        file_totals = {row["status"]: int(row["total"]) for row in of_files}
        return QueueStats(
            jobs={one.value: int(rows[0]["total"]) for one, rows in zip(JobStatus, of_jobs, strict=True)},
            files={status.value: file_totals.get(status.value, 0) for status in FileStatus},
            oldest_eligible=to_time_or_none(oldest[0]["since"]),
            stale_locks=int(stale[0]["total"]),
        )

    async def known_objects(self, *, after_key: str, limit: int) -> Sequence[File]:
        [rows] = await self._database.run(
            select(*files.c).where(files.c.object_key > after_key).order_by(files.c.object_key).limit(limit)
        )
        return [to_file(row) for row in rows]


# Each with the condition of the partial index that answers it, word for word.
_STATUS = {
    JobStatus.QUEUED: QUEUED,
    JobStatus.IN_PROGRESS: IN_PROGRESS,
    JobStatus.DONE: DONE,
    JobStatus.FAILED: FAILED,
}


def _count(status: JobStatus) -> Select[int]:
    return select(func.count().label("total")).select_from(jobs).where(_STATUS[status])
