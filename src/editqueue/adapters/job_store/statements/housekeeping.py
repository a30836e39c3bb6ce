"""What the sweep asks of the store: stale jobs, expiry, locks left behind."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, Integer, case, exists, literal_column, or_, select, update

from editqueue.adapters.job_store.databases.database import each, each_id, to_ms
from editqueue.adapters.job_store.rows import to_file, to_job
from editqueue.adapters.job_store.schema import IN_PROGRESS, LOCKED, files, jobs
from editqueue.adapters.job_store.statements.store_base import StoreBase, hold_files
from editqueue.adapters.job_store.statements.transitions import notify
from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_store import Expiry

STALE_BATCH = 500
"""Stale jobs taken up in one transaction; the next tick takes the rest."""
STALE_ERROR = "stale: the consumer did not come back in time"


class HousekeepingStatements(StoreBase):
    async def rescue(
        self, *, started_before: datetime, max_retries: int, message: str, now: datetime
    ) -> Sequence[EditJob]:
        stale = (IN_PROGRESS, jobs.c.started_at < to_ms(started_before))
        [found] = await self._database.run(
            select(jobs.c.id, jobs.c.file_id).where(*stale).order_by(jobs.c.started_at).limit(STALE_BATCH)
        )
        if not found:
            return []
        ids = {row["id"]: new_id() for row in found}
        job_of = {row["file_id"]: row["id"] for row in found}
        token = new_token()
        spent = jobs.c.attempts > max_retries
        back = (
            update(jobs)
            .where(jobs.c.id.in_(select(each_id(ids, "stale").c.key)), *stale)
            .values(
                status=case((spent, JobStatus.FAILED.value), else_=JobStatus.QUEUED.value),
                finished_at=case((spent, to_ms(now)), else_=None),
                token=token,
                run_after=to_ms(now),
                error=STALE_ERROR,
            )
            .returning(*jobs.c)
        )
        tell = notify(ids, token=token, kind=NotificationType.REVISION_REQUIRED, message=message, now=now)
        _, rows, *_ = await self._database.run(hold_files(job_of), back, _release(job_of, token, now), tell)
        return [to_job(row) for row in rows]

    async def begin_expiry(
        self, *, finished_before: datetime, abandoned_before: datetime, limit: int, now: datetime
    ) -> Sequence[Expiry]:
        due = select(files.c.id).where(
            files.c.finished_at.is_not(None),
            files.c.finished_at < to_ms(finished_before),
            files.c.locked.is_(False),
            or_(files.c.expiring_at.is_(None), files.c.expiring_at < to_ms(abandoned_before)),
        )
        oldest = due.order_by(files.c.finished_at).limit(_plainly(limit)).with_for_update(skip_locked=True).cte("due")
        mark = (
            update(files).where(files.c.id.in_(select(oldest.c.id))).values(expiring_at=to_ms(now)).returning(*files.c)
        )
        [rows] = await self._database.run(mark)
        return [Expiry(file=to_file(row), expiring_at=now) for row in rows]

    async def settle_expiry(self, expiry: Expiry, *, now: datetime) -> bool:
        clear = (
            update(files)
            .where(files.c.id == expiry.file.id, files.c.expiring_at == to_ms(expiry.expiring_at))
            .values(preview_url=None, finished_at=None, expiring_at=None, updated_at=to_ms(now))
            .returning(files.c.id)
        )
        [rows] = await self._database.run(clear)
        return bool(rows)

    async def reset_stale_locks(self, *, now: datetime) -> Sequence[str]:
        stale = (LOCKED, ~exists().where(IN_PROGRESS, jobs.c.file_id == files.c.id))
        hold = select(files.c.id).where(*stale).order_by(files.c.id).with_for_update(of=files)
        unlock = (
            update(files)
            .where(*stale)
            .values(locked=False, status=FileStatus.QUEUED.value, updated_at=to_ms(now))
            .returning(files.c.id)
        )
        _, rows = await self._database.run(hold, unlock)
        return [row["id"] for row in rows]


def _plainly(number: int) -> ColumnElement[int]:
    """`number` for the planner to see: PostgreSQL takes an unknown limit for a tenth of everything."""
    return literal_column(str(int(number)), Integer)


def _release(job_of: Mapping[str, str], token: str, now: datetime) -> Executable:
    """Unlock the files whose job (file id -> job id) moved under `token`, and give them its status."""
    pairs = each(job_of, "pairs")
    job = pairs.join(jobs, jobs.c.id == pairs.c.value)
    moved = (
        select(jobs.c.status)
        .select_from(job)
        .where(pairs.c.key == files.c.id, jobs.c.token == token)
        .correlate(files)
        .scalar_subquery()
    )
    finished = case((moved == JobStatus.FAILED.value, to_ms(now)), else_=files.c.finished_at)
    return (
        update(files)
        .where(LOCKED, files.c.id.in_(select(each_id(job_of, "released").c.key)), moved.is_not(None))
        .values(status=moved, locked=False, finished_at=finished, updated_at=to_ms(now))
    )
