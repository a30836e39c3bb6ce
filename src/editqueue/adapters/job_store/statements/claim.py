"""Claim: the next job is in progress, and its file is locked."""

from datetime import datetime

from sqlalchemy import CTE, select, update

from editqueue.adapters.job_store.rows import to_file, to_job, to_ms
from editqueue.adapters.job_store.schema import IN_PROGRESS, QUEUED, files, jobs
from editqueue.adapters.job_store.statements.group import Group
from editqueue.domain.files import FileStatus
from editqueue.domain.ids import new_token
from editqueue.domain.jobs import JobStatus
from editqueue.ports.job_store import Claim


def claim_next(*, now: datetime) -> Group[Claim | None]:
    token = new_token()
    take = (
        update(jobs)
        .where(jobs.c.id.in_(select(head_of_queue(now).c.id)), QUEUED)
        .values(status=JobStatus.IN_PROGRESS.value, token=token, started_at=to_ms(now), attempts=jobs.c.attempts + 1)
        .returning(*jobs.c)
    )
    taken_file = select(jobs.c.file_id).where(IN_PROGRESS, jobs.c.token == token).scalar_subquery()
    lock = (
        update(files)
        .where(files.c.id == taken_file)
        .values(status=FileStatus.IN_PROGRESS.value, locked=True, updated_at=to_ms(now))
        .returning(*files.c)
    )
    return Group(
        statements=(take, lock),
        read=lambda rows: Claim(job=to_job(rows[0][0]), file=to_file(rows[1][0])) if rows[0] else None,
    )


def head_of_queue(now: datetime) -> CTE:
    """The one job that is next: express first, then in fair order.

    A CTE, because a plain subquery may be evaluated again per row and claim past its limit. It locks job and
    file together and skips what others hold: a claim never waits, so it is never part of a deadlock.
    """
    return (
        select(jobs.c.id)
        .select_from(jobs.join(files, files.c.id == jobs.c.file_id))
        .where(QUEUED, jobs.c.run_after <= to_ms(now), files.c.locked.is_(False), files.c.expiring_at.is_(None))
        .order_by(jobs.c.express.desc(), jobs.c.turn, jobs.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .cte("head")
    )
