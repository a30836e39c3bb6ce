"""Many failed jobs are put back at once: each file gets a new job."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.databases.constructs import (
    as_json,
    each,
    each_id,
    given_text,
    given_time,
    ids_as_json,
)
from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.rows import CLOCKS_APART_MS, to_job, to_ms
from editqueue.adapters.job_store.schema import QUEUED, files, jobs
from editqueue.adapters.job_store.statements.group import Group, Queues
from editqueue.adapters.job_store.statements.row_locks import hold_files
from editqueue.adapters.job_store.statements.submissions import FAIR_STEP_MS, queue_files
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_store import JobOfFile


def retry_jobs(failed: Sequence[EditJob | JobOfFile], *, now: datetime) -> Group[Sequence[EditJob]]:
    """New jobs for those of `failed` whose file is free, and to which nothing has happened since: asked again, the
    same list makes none."""
    token, moment = new_token(), to_ms(now)
    file_ids = [job.file_id for job in failed]
    job_of = dict(zip([job.id for job in failed], sorted(new_id() for _ in failed), strict=True))
    new = ids_as_json(job_of.values())
    return Group(
        statements=(
            hold_files(file_ids),
            _make().bind(job_of=as_json(job_of), token=token, now=moment),
            _queue().bind(ids=ids_as_json(file_ids), token=token, now=moment),
            _made().bind(ids=new, token=token),
        ),
        read=lambda rows: [to_job(row) for row in rows[-1]],
        queues=Queues(job_ids=[*job_of.values()], token=token),
    )


@cache
def _make() -> Template:
    wanted, failed = each("job_of", "wanted"), jobs.alias("failed")
    values: dict[str, ColumnElement[Any]] = {
        "id": wanted.c.value,
        "file_id": files.c.id,
        "order_id": files.c.order_id,
        "user_id": files.c.user_id,
        "status": literal(JobStatus.QUEUED.value),
        "created_at": given_time(),
        "run_after": given_time() - CLOCKS_APART_MS,
        "turn": _fair_order(failed.c.user_id, failed.c.express, wanted.c.value),
        "attempts": literal(0),
        "token": given_text("token"),
        "express": failed.c.express,
        "note": failed.c.note,
    }
    rows = (
        select(*values.values())
        .select_from(wanted.join(failed, failed.c.id == wanted.c.key).join(files, files.c.id == failed.c.file_id))
        .where(
            failed.c.status == JobStatus.FAILED.value,
            # It is the last of its file that ended.
            files.c.finished_at == failed.c.finished_at,
            files.c.status.in_([literal("queued"), literal("failed")]),
            files.c.deleted_at.is_(None),
            files.c.locked.is_(False),
        )
    )
    return Template(upsert(jobs).from_select(list(values), rows).on_conflict_do_nothing())


def _fair_order(
    user_id: ColumnElement[str], express: ColumnElement[bool], place_by: ColumnElement[str]
) -> ColumnElement[int]:
    """As a submit of the same customer would give it, for several customers at once."""
    last = (
        select(func.max(jobs.c.turn))
        .where(QUEUED, jobs.c.user_id == user_id, jobs.c.express == express)
        .scalar_subquery()
    )
    place = func.row_number().over(partition_by=[user_id, express], order_by=place_by) - 1
    first = case((last + FAIR_STEP_MS > given_time(), last + FAIR_STEP_MS), else_=given_time())
    return first + place * FAIR_STEP_MS


@cache
def _queue() -> Template:
    return Template(queue_files())


@cache
def _made() -> Template:
    found = select(*jobs.c).where(jobs.c.id.in_(each_id()), jobs.c.token == given_text("token"))
    return Template(found.order_by(jobs.c.id))
