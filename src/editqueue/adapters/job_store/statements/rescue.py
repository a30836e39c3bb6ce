"""Rescue: take jobs back from consumers that did not come back, and unlock what nobody works on."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, case, exists, select, update

from editqueue.adapters.job_store.databases.constructs import each, each_id
from editqueue.adapters.job_store.rows import to_job, to_ms
from editqueue.adapters.job_store.schema import IN_PROGRESS, LOCKED, files, jobs
from editqueue.adapters.job_store.statements.group import Group, reading
from editqueue.adapters.job_store.statements.notify import notify
from editqueue.adapters.job_store.statements.row_locks import hold_files
from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import EditJob, JobStatus

STALE_BATCH = 500
"""Stale jobs taken up in one transaction; the next tick takes the rest."""
STALE_ERROR = "stale: the consumer did not come back in time"


def stale_jobs(*, started_before: datetime) -> Group[Sequence[EditJob]]:
    """Those that have been in progress longest, up to STALE_BATCH."""
    found = select(*jobs.c).where(*_stale(started_before)).order_by(jobs.c.started_at).limit(STALE_BATCH)
    return reading(found, to_job)


def take_back(
    stale: Sequence[EditJob], *, started_before: datetime, max_retries: int, message: str, now: datetime
) -> Group[Sequence[EditJob]]:
    """Those of `stale` that still are: queued again, or failed when out of attempts, with a notification."""
    ids = {job.id: new_id() for job in stale}
    job_of = {job.file_id: job.id for job in stale}
    token = new_token()
    spent = jobs.c.attempts > max_retries
    back = (
        update(jobs)
        .where(jobs.c.id.in_(select(each_id(ids, "stale").c.key)), *_stale(started_before))
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
    return Group(
        statements=(hold_files(job_of), back, _release_files(job_of, token, now), tell),
        read=lambda rows: [to_job(row) for row in rows[1]],
    )


def reset_stale_locks(*, now: datetime) -> Group[Sequence[str]]:
    stale = (LOCKED, ~exists().where(IN_PROGRESS, jobs.c.file_id == files.c.id))
    hold = select(files.c.id).where(*stale).order_by(files.c.id).with_for_update(of=files)
    unlock = (
        update(files)
        .where(*stale)
        .values(locked=False, status=FileStatus.QUEUED.value, updated_at=to_ms(now))
        .returning(files.c.id)
    )
    return Group(statements=(hold, unlock), read=lambda rows: [row["id"] for row in rows[1]])


def _stale(started_before: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return IN_PROGRESS, jobs.c.started_at < to_ms(started_before)


def _release_files(job_of: Mapping[str, str], token: str, now: datetime) -> Executable:
    """Unlock the files whose job (file id -> job id) moved under `token`, and give them its status."""
    pairs = each(job_of, "pairs")
    moved = (
        select(jobs.c.status)
        .select_from(pairs.join(jobs, jobs.c.id == pairs.c.value))
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
