"""Submit, revise and retry: the three ways a job comes into being."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Update, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.databases.constructs import each, each_id
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.rows import to_job, to_ms
from editqueue.adapters.job_store.schema import ACTIVE, QUEUED, files, jobs, orders
from editqueue.adapters.job_store.statements.group import Group
from editqueue.adapters.job_store.statements.row_locks import active_jobs, lock_files, to_states
from editqueue.domain.files import FileStatus
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_store import Revision, Submission

FAIR_STEP_MS = 30_000
"""How far one job moves its customer's next one back in the queue, see docs/decisions/0004."""


def submit(
    file_ids: Sequence[str], *, order_id: str, user_id: str, express: bool, notes: str | None, now: datetime
) -> Group[Submission]:
    token = new_token()
    ids = dict(zip(file_ids, sorted(new_id() for _ in file_ids), strict=True))
    good = _all_submittable(file_ids, order_id=order_id, user_id=user_id)
    create = _insert_jobs(ids, user_id=user_id, when=good, express=express, note=None, token=token, now=now)
    queue = _queue_files(file_ids, token=token, now=now)
    note = update(orders).where(orders.c.id == order_id, good, literal(notes is not None)).values(notes=notes)
    before, after = active_jobs(file_ids), active_jobs(file_ids)

    def read(rows: Sequence[Rows]) -> Submission:
        made = [to_job(row) for row in rows[-1]]
        new = [job.id for job in made if job.token == token]
        return Submission(seen=to_states(rows[0], rows[1]), jobs=made, new=new)

    return Group(statements=(lock_files(file_ids), before, create, queue, note, after), read=read)


def revise(file_id: str, *, user_id: str, note: str, now: datetime) -> Group[Revision]:
    token = new_token()
    good = exists().where(
        files.c.id == file_id,
        files.c.user_id == user_id,
        files.c.deleted_at.is_(None),
        files.c.locked.is_(False),
        files.c.status != FileStatus.UPLOADED.value,
    )
    ids = {file_id: new_id()}
    create = _insert_jobs(ids, user_id=user_id, when=good, express=False, note=note, token=token, now=now)
    change = _queue_files([file_id], token=token, now=now).values(approved=False, ver=files.c.ver + 1)
    return _making_one(file_id, create, change, token)


def retry(failed: EditJob, *, now: datetime) -> Group[Revision]:
    """The same work again as a new job, if the file is there, unlocked and has no active job."""
    token = new_token()
    user_id, express, note = failed.user_id, failed.express, failed.note
    free = exists().where(files.c.id == failed.file_id, files.c.deleted_at.is_(None), files.c.locked.is_(False))
    ids = {failed.file_id: new_id()}
    create = _insert_jobs(ids, user_id=user_id, when=free, express=express, note=note, token=token, now=now)
    return _making_one(failed.file_id, create, _queue_files([failed.file_id], token=token, now=now), token)


def _making_one(file_id: str, create: Insert, change: Update, token: str) -> Group[Revision]:
    before, after = active_jobs([file_id]), active_jobs([file_id])

    def read(rows: Sequence[Rows]) -> Revision:
        made = next((to_job(row) for row in rows[-1] if row["token"] == token), None)
        return Revision(seen=to_states(rows[0], rows[1]), job=made)

    return Group(statements=(lock_files([file_id]), before, create, change, after), read=read)


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
    values: dict[str, ColumnElement[Any]] = {
        "id": wanted.c.value,
        "file_id": files.c.id,
        "order_id": files.c.order_id,
        "user_id": files.c.user_id,
        "status": literal(JobStatus.QUEUED.value),
        "created_at": moment,
        "run_after": moment,
        "turn": fair_order(user_id, express=express, now=now) + place * FAIR_STEP_MS,
        "attempts": literal(0),
        "token": literal(token),
        "express": literal(express, jobs.c.express.type),
        "note": literal(note, jobs.c.note.type),
    }
    rows = select(*values.values()).select_from(wanted.join(files, files.c.id == wanted.c.key)).where(when)
    return upsert(jobs).from_select(list(values), rows).on_conflict_do_nothing()


def fair_order(user_id: str, *, express: bool, now: datetime) -> ColumnElement[int]:
    """The place in the queue of this customer's next job: now, or one step behind the last that is queued."""
    last = (
        select(func.max(jobs.c.turn))
        .where(QUEUED, jobs.c.user_id == user_id, jobs.c.express.is_(express))
        .scalar_subquery()
    )
    moment = literal(to_ms(now), jobs.c.turn.type)
    return case((last + FAIR_STEP_MS > moment, last + FAIR_STEP_MS), else_=moment)


def _queue_files(ids: Sequence[str], *, token: str, now: datetime) -> Update:
    """The files of `ids` that got a job under `token` are queued."""
    wanted = each_id(ids, "wanted")
    made = select(jobs.c.file_id).where(ACTIVE, jobs.c.token == token, jobs.c.file_id.in_(select(wanted.c.key)))
    return update(files).where(files.c.id.in_(made)).values(status=FileStatus.QUEUED.value, updated_at=to_ms(now))
