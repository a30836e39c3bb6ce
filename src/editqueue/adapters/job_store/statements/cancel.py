"""Cancel: a job that is queued ends without a further attempt."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import select, update

from editqueue.adapters.job_store.databases.constructs import given_text, given_time
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.rows import to_job, to_ms
from editqueue.adapters.job_store.schema import QUEUED, files, jobs
from editqueue.adapters.job_store.statements.group import Group
from editqueue.adapters.job_store.statements.notify import notify
from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import JobStatus
from editqueue.ports.job_store import Cancellation


def cancel_job(job_id: str, *, error: str, message: str, now: datetime) -> Group[Cancellation]:
    """A claim at the same moment gets the job, or it is cancelled: both hold the file's row first."""
    token, moment = new_token(), to_ms(now)
    tell = notify({job_id: new_id()}, token=token, kind=NotificationType.REVISION_REQUIRED, message=message, now=now)

    def read(rows: Sequence[Rows]) -> Cancellation:
        job = next(map(to_job, rows[-1]), None)
        return Cancellation(job=job, done=job is not None and job.token == token)

    return Group(
        statements=(
            _hold_its_file().bind(job_id=job_id),
            _end().bind(job_id=job_id, token=token, error=error, now=moment),
            _close_file().bind(job_id=job_id, token=token, now=moment),
            tell,
            _job().bind(job_id=job_id),
        ),
        read=read,
    )


@cache
def _hold_its_file() -> Template:
    of_job = select(jobs.c.file_id).where(jobs.c.id == given_text("job_id")).scalar_subquery()
    return Template(select(files.c.id).where(files.c.id == of_job).with_for_update(of=files))


@cache
def _end() -> Template:
    return Template(
        update(jobs)
        .where(jobs.c.id == given_text("job_id"), QUEUED)
        .values(
            status=JobStatus.FAILED.value,
            token=given_text("token"),
            finished_at=given_time(),
            error=given_text("error"),
        )
    )


@cache
def _close_file() -> Template:
    ended = select(jobs.c.file_id).where(jobs.c.id == given_text("job_id"), jobs.c.token == given_text("token"))
    return Template(
        update(files)
        .where(files.c.id == ended.scalar_subquery())
        .values(status=FileStatus.FAILED.value, locked=False, finished_at=given_time(), updated_at=given_time())
    )


@cache
def _job() -> Template:
    return Template(select(*jobs.c).where(jobs.c.id == given_text("job_id")))
