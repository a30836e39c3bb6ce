"""Submit, revise and retry: the three ways a job comes into being."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Update, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.databases.database import each, each_id, to_ms
from editqueue.adapters.job_store.rows import to_job
from editqueue.adapters.job_store.schema import ACTIVE, QUEUED, files, jobs, orders
from editqueue.adapters.job_store.statements.store_base import StoreBase, active_jobs, lock_files, to_states
from editqueue.domain.files import FileStatus
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_store import FileState

TURN_MS = 30_000
"""How far one job moves its customer's next one back in the queue, see docs/decisions."""
_COLUMNS = (
    "id", "file_id", "order_id", "user_id", "status", "created_at", "run_after", "turn", "attempts",
    "token", "express", "note",
)  # fmt: skip


class SubmissionStatements(StoreBase):
    async def submit(
        self,
        file_ids: Sequence[str],
        *,
        order_id: str,
        user_id: str,
        express: bool,
        notes: str | None,
        now: datetime,
    ) -> tuple[Sequence[FileState], Sequence[EditJob], Sequence[str]]:
        token = new_token()
        ids = dict(zip(file_ids, sorted(new_id() for _ in file_ids), strict=True))
        good = _all_submittable(file_ids, order_id=order_id, user_id=user_id)
        create = _insert_jobs(ids, user_id=user_id, when=good, express=express, note=None, token=token, now=now)
        queue = _queue_files(file_ids, token=token).values(status=FileStatus.QUEUED.value, updated_at=to_ms(now))
        note = update(orders).where(orders.c.id == order_id, good, literal(notes is not None))
        seen, before, _, _, _, after = await self._database.run(
            lock_files(file_ids),
            active_jobs(file_ids),
            create,
            queue,
            note.values(notes=notes),
            active_jobs(file_ids),
        )
        made = [to_job(row) for row in after]
        return to_states(seen, before), made, [job.id for job in made if job.token == token]

    async def revise(
        self, file_id: str, *, user_id: str, note: str, now: datetime
    ) -> tuple[FileState | None, EditJob | None]:
        token = new_token()
        good = _revisable(file_id, user_id)
        create = _insert_jobs(
            {file_id: new_id()}, user_id=user_id, when=good, express=False, note=note, token=token, now=now
        )
        change = _queue_files([file_id], token=token).values(
            status=FileStatus.QUEUED.value, approved=False, ver=files.c.ver + 1, updated_at=to_ms(now)
        )
        return await self._make_one(file_id, create, change, token)

    async def retry_job(self, job_id: str, *, now: datetime) -> EditJob | None:
        token = new_token()
        failed = jobs.alias("failed")
        [rows] = await self._database.run(
            select(failed.c.file_id, failed.c.user_id, failed.c.express, failed.c.note).where(
                failed.c.id == job_id, failed.c.status == JobStatus.FAILED.value
            )
        )
        if not rows:
            return None
        file_id: str = rows[0]["file_id"]
        still_there = exists().where(files.c.id == file_id, files.c.deleted_at.is_(None), files.c.locked.is_(False))
        create = _insert_jobs(
            {file_id: new_id()},
            user_id=rows[0]["user_id"],
            when=still_there,
            express=bool(rows[0]["express"]),
            note=rows[0]["note"],
            token=token,
            now=now,
        )
        change = _queue_files([file_id], token=token).values(status=FileStatus.QUEUED.value, updated_at=to_ms(now))
        _, job = await self._make_one(file_id, create, change, token)
        return job

    async def _make_one(
        self, file_id: str, create: Insert, change: Update, token: str
    ) -> tuple[FileState | None, EditJob | None]:
        seen, before, _, _, after = await self._database.run(
            lock_files([file_id]), active_jobs([file_id]), create, change, active_jobs([file_id])
        )
        made = next((to_job(row) for row in after if row["token"] == token), None)
        return next(iter(to_states(seen, before)), None), made


def _all_submittable(ids: Sequence[str], *, order_id: str, user_id: str) -> ColumnElement[bool]:
    """Every id is a marked file of the order. A lock is fine if its job is there: that job is the answer."""
    other = files.alias("other")
    wanted = each_id(ids, "counted")
    has_job = exists().where(ACTIVE, jobs.c.file_id == other.c.id)
    fit = (
        func.coalesce(other.c.order_id, "") == order_id,
        other.c.user_id == user_id,
        other.c.deleted_at.is_(None),
        other.c.marked.is_(True),
        or_(other.c.locked.is_(False), has_job),
    )
    # IN, not a join, and the order out of the planner's sight: each file is looked up by its id. SQLite would walk
    # the files of the order instead, and of a join read all ids anew for every one of them.
    found = select(func.count()).select_from(other).where(other.c.id.in_(select(wanted.c.key)), *fit)
    return found.scalar_subquery() == len(ids)


def _revisable(file_id: str, user_id: str) -> ColumnElement[bool]:
    return exists().where(
        files.c.id == file_id,
        files.c.user_id == user_id,
        files.c.deleted_at.is_(None),
        files.c.locked.is_(False),
        files.c.status != FileStatus.UPLOADED.value,
    )


def _insert_jobs(
    ids: Mapping[str, str],
    *,
    user_id: str,
    when: ColumnElement[bool],
    express: bool,
    note: str | None,
    token: str,
    now: datetime,
) -> Insert:
    """A queued job for each file of `ids` (file id -> job id); none for a file that has an active one."""
    wanted = each(ids, "wanted")
    moment = literal(to_ms(now), jobs.c.created_at.type)
    place = func.row_number().over(order_by=wanted.c.value) - 1
    rows = select(
        wanted.c.value,
        files.c.id,
        files.c.order_id,
        files.c.user_id,
        literal(JobStatus.QUEUED.value),
        moment,
        moment,
        first_turn(user_id, express=express, now=now) + place * TURN_MS,
        literal(0),
        literal(token),
        literal(express, jobs.c.express.type),
        literal(note, jobs.c.note.type),
    ).select_from(wanted.join(files, files.c.id == wanted.c.key))
    return upsert(jobs).from_select(list(_COLUMNS), rows.where(when)).on_conflict_do_nothing()


def first_turn(user_id: str, *, express: bool, now: datetime) -> ColumnElement[int]:
    """Now, or behind the backlog this customer already has."""
    last = (
        select(func.max(jobs.c.turn))
        .where(QUEUED, jobs.c.user_id == user_id, jobs.c.express.is_(express))
        .scalar_subquery()
    )
    moment = literal(to_ms(now), jobs.c.turn.type)
    return case((last + TURN_MS > moment, last + TURN_MS), else_=moment)


def _queue_files(ids: Sequence[str], *, token: str) -> Update:
    wanted = each_id(ids, "wanted")
    made: Select[tuple[str]] = select(jobs.c.file_id).where(
        ACTIVE, jobs.c.token == token, jobs.c.file_id.in_(select(wanted.c.key))
    )
    return update(files).where(files.c.id.in_(made))
