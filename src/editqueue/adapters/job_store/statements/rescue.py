"""Rescue: take jobs back from consumers that did not come back, and unlock what nobody works on."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Select, case, func, select, true, update
from sqlalchemy.sql.dml import ReturningUpdate

from editqueue.adapters.job_store.databases.constructs import (
    among,
    as_json,
    each,
    given_number,
    given_text,
    given_time,
    ids_as_json,
)
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import CLOCKS_APART_MS, to_job, to_ms
from editqueue.adapters.job_store.schema import IN_PROGRESS, LOCKED, files, jobs
from editqueue.adapters.job_store.statements.attempts import record_taken
from editqueue.adapters.job_store.statements.counts import stale_lock, where_books_differ
from editqueue.adapters.job_store.statements.group import Group, Queues, reading
from editqueue.adapters.job_store.statements.notify import notify
from editqueue.adapters.job_store.statements.row_locks import hold_files
from editqueue.domain.attempts import AttemptEnd
from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import EditJob, JobStatus

STALE_BATCH = 500
"""Stale jobs taken up in one transaction; the next tick takes the rest."""
STALE_ERROR = "stale: the consumer did not come back in time"


def stale_jobs(*, started_before: datetime) -> Group[Sequence[EditJob]]:
    """Those that have been in progress longest, up to STALE_BATCH."""
    return reading(_stale_jobs().bind(started_before=to_ms(started_before)), to_job)


@cache
def _stale_jobs() -> Template:
    return Template(select(*jobs.c).where(*_stale()).order_by(jobs.c.started_at).limit(STALE_BATCH))


def take_back(
    stale: Sequence[EditJob], *, started_before: datetime, max_retries: int, message: str, now: datetime
) -> Group[Sequence[EditJob]]:
    """Those of `stale` that still are: queued again, or failed when out of attempts, with a notification."""
    token = new_token()
    back = _take_back().bind(
        ids=ids_as_json(job.id for job in stale),
        started_before=to_ms(started_before),
        max_retries=max_retries,
        token=token,
        now=to_ms(now),
    )
    return taking_back(stale, back, AttemptEnd.STALE, token=token, message=message, now=now)


@cache
def _take_back() -> Template:
    return Template(back_in_queue(STALE_ERROR).where(among(jobs.c.id), *_stale()))


def back_in_queue(error: str) -> ReturningUpdate[tuple[object, ...]]:
    """Jobs, under `token`: queued again, or failed when out of attempts."""
    spent = jobs.c.attempts > given_number("max_retries")
    return (
        update(jobs)
        .values(
            status=case((spent, JobStatus.FAILED.value), else_=JobStatus.QUEUED.value),
            finished_at=case((spent, given_time()), else_=None),
            token=given_text("token"),
            holder=None,
            run_after=given_time() - CLOCKS_APART_MS,
            error=error,
        )
        .returning(*jobs.c)
    )


def taking_back(
    found: Sequence[EditJob], back: Statement, ended_by: AttemptEnd, *, token: str, message: str, now: datetime
) -> Group[Sequence[EditJob]]:
    """What `back` takes of `found` under `token`; its files are unlocked, and customers told of what failed."""
    job_of = {job.file_id: job.id for job in found}
    release_files = _release_files().bind(job_of=as_json(job_of), token=token, now=to_ms(now))
    ids = {job.id: new_id() for job in found}
    tell = notify(ids, token=token, kind=NotificationType.REVISION_REQUIRED, message=message, now=now)
    record = record_taken(found, ended_by, token=token, now=now)
    return Group(
        statements=(hold_files(job_of), back, release_files, tell, record),
        read=lambda rows: [to_job(row) for row in rows[1]],
        queues=Queues(job_ids=[*job_of.values()], token=token),
    )


@cache
def _release_files() -> Template:
    """Unlock the files whose job (`job_of`: file id -> job id) moved under `token`, and give them its status."""
    pairs = each("job_of", "pairs")
    moved = (
        select(jobs.c.status)
        .select_from(pairs.join(jobs, jobs.c.id == pairs.c.value))
        .where(pairs.c.key == files.c.id, jobs.c.token == given_text("token"))
        .correlate(files)
        .scalar_subquery()
    )
    finished = case((moved == JobStatus.FAILED.value, given_time()), else_=files.c.finished_at)
    return Template(
        update(files)
        .where(LOCKED, among(files.c.id, "job_of"), moved.is_not(None))
        .values(status=moved, locked=False, finished_at=finished, updated_at=given_time())
    )


def reset_stale_locks(*, now: datetime) -> Group[Sequence[str]]:
    return Group(
        statements=(_hold_stale_locks().bind(), _unlock_stale().bind(now=to_ms(now))),
        read=lambda rows: [row["id"] for row in rows[1]],
    )


@cache
def _hold_stale_locks() -> Template:
    found = select(files.c.id).where(files.c.id.in_(_in_progress_while_books_differ()), *stale_lock())
    return Template(found.order_by(files.c.id).with_for_update(of=files))


@cache
def _unlock_stale() -> Template:
    return Template(
        update(files)
        .where(files.c.id.in_(_in_progress_while_books_differ()), *stale_lock())
        .values(
            locked=False,
            status=FileStatus.QUEUED.value,
            finished_at=func.coalesce(files.c.finished_at, given_time()),
            updated_at=given_time(),
        )
        .returning(files.c.id)
    )


def _in_progress_while_books_differ() -> Select[tuple[str]]:
    other = files.alias("in_progress")
    in_progress = other.c.status == FileStatus.IN_PROGRESS.value
    return select(other.c.id).select_from(where_books_differ().join(other, true())).where(in_progress)


def _stale() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return IN_PROGRESS, jobs.c.started_at < given_time("started_before")
