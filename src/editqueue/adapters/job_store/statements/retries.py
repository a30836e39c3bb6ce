"""Many failed jobs are put back at once: each file gets a new job."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.databases.constructs import among, as_json, each, given_text, ids_as_json
from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.rows import to_job, to_ms
from editqueue.adapters.job_store.schema import files, jobs
from editqueue.adapters.job_store.statements.group import Group, Queues
from editqueue.adapters.job_store.statements.row_locks import hold_files
from editqueue.adapters.job_store.statements.submissions import FAIR_STEP_MS, fair_order, queue_files, queued_job
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
    customer, express = failed.c.user_id, failed.c.express
    place = func.row_number().over(partition_by=[customer, express], order_by=wanted.c.value) - 1
    turn = fair_order(customer, express) + place * FAIR_STEP_MS
    values = queued_job(wanted.c.value, turn=turn, express=express, note=failed.c.note)
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


@cache
def _queue() -> Template:
    return Template(queue_files())


@cache
def _made() -> Template:
    found = select(*jobs.c).where(among(jobs.c.id), jobs.c.token == given_text("token"))
    return Template(found.order_by(jobs.c.id))
