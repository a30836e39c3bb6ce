"""Submit, revise and retry: the three ways a job comes into being."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Update, exists, func, literal, or_, select, update
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.databases.constructs import (
    among,
    as_json,
    each,
    given_number,
    given_text,
    given_time,
    given_truth,
    ids_as_json,
)
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import CLOCKS_APART_MS, to_job, to_ms
from editqueue.adapters.job_store.schema import ACTIVE, QUEUED, files, jobs, orders
from editqueue.adapters.job_store.statements.group import Group, Queues
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
    token, moment = new_token(), to_ms(now)
    job_of = dict(zip(file_ids, sorted(new_id() for _ in file_ids), strict=True))
    wanted = {"ids": ids_as_json(file_ids), "total": len(file_ids), "order_id": order_id, "user_id": user_id}
    create = _submit().bind(**wanted, job_of=as_json(job_of), express=express, note=None, token=token, now=moment)
    queue = _queue().bind(ids=wanted["ids"], token=token, now=moment)
    note = () if notes is None else (_note().bind(**wanted, notes=notes),)
    before, after = active_jobs(file_ids), active_jobs(file_ids)

    def read(rows: Sequence[Rows]) -> Submission:
        made = [to_job(row) for row in rows[-1]]
        new = [job.id for job in made if job.token == token]
        return Submission(seen=to_states(rows[0], rows[1]), jobs=made, new=new)

    statements = (lock_files(file_ids), before, create, queue, *note, after)
    return Group(statements=statements, read=read, queues=Queues(job_ids=[*job_of.values()], token=token))


@cache
def _submit() -> Template:
    return Template(_insert_jobs(when=_all_submittable()))


@cache
def _queue() -> Template:
    return Template(queue_files())


@cache
def _note() -> Template:
    return Template(
        update(orders)
        .where(orders.c.id == given_text("order_id"), _all_submittable())
        .values(notes=given_text("notes"))
    )


def revise(file_id: str, *, user_id: str, note: str, now: datetime) -> Group[Revision]:
    token, moment = new_token(), to_ms(now)
    job_id = new_id()
    create = _revise().bind(
        file_id=file_id,
        job_of=as_json({file_id: job_id}),
        user_id=user_id,
        express=False,
        note=note,
        token=token,
        now=moment,
    )
    change = _queue_new_version().bind(ids=ids_as_json([file_id]), token=token, now=moment)
    return _making_one(file_id, create, change, Queues(job_ids=[job_id], token=token))


@cache
def _revise() -> Template:
    good = exists().where(
        files.c.id == given_text("file_id"),
        files.c.user_id == given_text("user_id"),
        files.c.deleted_at.is_(None),
        files.c.locked.is_(False),
        files.c.status != FileStatus.UPLOADED.value,
    )
    return Template(_insert_jobs(when=good))


@cache
def _queue_new_version() -> Template:
    return Template(queue_files().values(approved=False, ver=files.c.ver + 1))


def retry(failed: EditJob, *, now: datetime) -> Group[Revision]:
    """The same work again as a new job, if the file is there, unlocked and has no active job."""
    token, moment = new_token(), to_ms(now)
    job_id = new_id()
    create = _retry().bind(
        file_id=failed.file_id,
        job_of=as_json({failed.file_id: job_id}),
        user_id=failed.user_id,
        express=failed.express,
        note=failed.note,
        token=token,
        now=moment,
    )
    change = _queue().bind(ids=ids_as_json([failed.file_id]), token=token, now=moment)
    return _making_one(failed.file_id, create, change, Queues(job_ids=[job_id], token=token))


@cache
def _retry() -> Template:
    free = exists().where(files.c.id == given_text("file_id"), files.c.deleted_at.is_(None), files.c.locked.is_(False))
    return Template(_insert_jobs(when=free))


def _making_one(file_id: str, create: Statement, change: Statement, queues: Queues) -> Group[Revision]:
    before, after = active_jobs([file_id]), active_jobs([file_id])

    def read(rows: Sequence[Rows]) -> Revision:
        made = next((to_job(row) for row in rows[-1] if row["token"] == queues.token), None)
        return Revision(seen=to_states(rows[0], rows[1]), job=made)

    return Group(statements=(lock_files([file_id]), before, create, change, after), read=read, queues=queues)


def _all_submittable() -> ColumnElement[bool]:
    """Every one of `ids` is a marked file of the order. A lock is fine if its job is there: that job is the answer."""
    other = files.alias("other")
    has_job = exists().where(ACTIVE, jobs.c.file_id == other.c.id)
    fit = (
        func.coalesce(other.c.order_id, "") == given_text("order_id"),
        other.c.user_id == given_text("user_id"),
        other.c.deleted_at.is_(None),
        other.c.marked.is_(True),
        or_(other.c.locked.is_(False), has_job),
    )
    # IN, not a join, and the order out of the planner's sight: each file is looked up by its id. SQLite would walk
    # the files of the order instead, and of a join read all ids anew for every one of them.
    found = select(func.count()).select_from(other).where(among(other.c.id), *fit)
    return found.scalar_subquery() == given_number("total")


def _insert_jobs(*, when: ColumnElement[bool]) -> Insert:
    """A queued job for each file of `job_of` (file id -> job id); none for a file that has an active one."""
    wanted = each("job_of", "wanted")
    place = func.row_number().over(order_by=wanted.c.value) - 1
    values = queued_job(
        wanted.c.value,
        turn=fair_order(given_text("user_id"), given_truth("express")) + place * FAIR_STEP_MS,
        express=given_truth("express"),
        note=given_text("note"),
    )
    rows = select(*values.values()).select_from(wanted.join(files, files.c.id == wanted.c.key)).where(when)
    return upsert(jobs).from_select(list(values), rows).on_conflict_do_nothing()


def queued_job(
    job_id: ColumnElement[str],
    *,
    turn: ColumnElement[int],
    express: ColumnElement[bool],
    note: ColumnElement[str] | ColumnElement[str | None],
) -> dict[str, ColumnElement[Any]]:
    """What a job begins with, by column; it is of the row of `files`."""
    return {
        "id": job_id,
        "file_id": files.c.id,
        "order_id": files.c.order_id,
        "user_id": files.c.user_id,
        "status": literal(JobStatus.QUEUED.value),
        "created_at": given_time(),
        "run_after": given_time() - CLOCKS_APART_MS,
        "turn": turn,
        "attempts": literal(0),
        "token": given_text("token"),
        "express": express,
        "note": note,
    }


def fair_order(user_id: ColumnElement[str], express: ColumnElement[bool]) -> ColumnElement[int]:
    """The place in the queue of that customer's next job: now, or one step behind the last that is queued."""
    # An earlier turn would change nothing, and PostgreSQL steps over all that a long transaction keeps of them.
    late = jobs.c.turn > given_time() - FAIR_STEP_MS
    last = (
        select(func.max(jobs.c.turn))
        .where(QUEUED, jobs.c.user_id == user_id, jobs.c.express == express, late)
        .scalar_subquery()
    )
    return func.coalesce(last + FAIR_STEP_MS, given_time())


def queue_files() -> Update:
    """The files of `ids` that got a job under `token` are queued."""
    made = select(jobs.c.file_id).where(ACTIVE, jobs.c.token == given_text("token"), among(jobs.c.file_id))
    return update(files).where(files.c.id.in_(made)).values(status=FileStatus.QUEUED.value, updated_at=given_time())
