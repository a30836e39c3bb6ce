"""Claim, and the five ways a claim ends."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CTE, Executable, Update, and_, select, update

from editqueue.adapters.job_store.databases.database import to_ms
from editqueue.adapters.job_store.rows import to_file, to_job
from editqueue.adapters.job_store.schema import IN_PROGRESS, QUEUED, files, jobs
from editqueue.adapters.job_store.statements.store_base import StoreBase, hold_file
from editqueue.adapters.job_store.statements.transitions import carries, notify, release_file
from editqueue.domain.errors import ClaimLost
from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import JobStatus
from editqueue.domain.messages import EDIT_DONE
from editqueue.ports.job_store import Claim


class ClaimStatements(StoreBase):
    async def claim_next(self, *, now: datetime) -> Claim | None:
        token = new_token()
        take = (
            update(jobs)
            .where(jobs.c.id.in_(select(head_of_queue(now).c.id)), QUEUED)
            .values(
                status=JobStatus.IN_PROGRESS.value,
                token=token,
                started_at=to_ms(now),
                attempts=jobs.c.attempts + 1,
            )
            .returning(*jobs.c)
        )
        taken_file = select(jobs.c.file_id).where(IN_PROGRESS, jobs.c.token == token).scalar_subquery()
        lock = (
            update(files)
            .where(files.c.id == taken_file)
            .values(status=FileStatus.IN_PROGRESS.value, locked=True, updated_at=to_ms(now))
            .returning(*files.c)
        )
        job_rows, file_rows = await self._database.run(take, lock)
        return Claim(job=to_job(job_rows[0]), file=to_file(file_rows[0])) if job_rows else None

    async def finish(self, claim: Claim, *, preview_url: str, bytes_copied: int, now: datetime) -> None:
        token = end_of(claim, "finish") + new_token()
        publish = (
            update(files)
            .where(files.c.id == claim.file.id, carries(claim.job.id, token))
            .values(
                status=FileStatus.DONE.value,
                locked=False,
                preview_url=preview_url,
                finished_at=to_ms(now),
                updated_at=to_ms(now),
            )
        )
        end = _leave(claim, token).values(
            status=JobStatus.DONE.value, finished_at=to_ms(now), error=None, bytes_copied=bytes_copied
        )
        tell = notify(
            {claim.job.id: new_id()}, token=token, kind=NotificationType.EDIT_DONE, message=EDIT_DONE, now=now
        )
        await self._settle(claim, "finish", end, [publish, tell])

    async def fail(self, claim: Claim, *, error: str, message: str, file_status: FileStatus, now: datetime) -> None:
        token = end_of(claim, "fail") + new_token()
        end = _leave(claim, token).values(status=JobStatus.FAILED.value, finished_at=to_ms(now), error=error)
        release = (
            update(files)
            .where(files.c.id == claim.file.id, carries(claim.job.id, token))
            .values(status=file_status.value, locked=False, finished_at=to_ms(now), updated_at=to_ms(now))
        )
        tell = notify(
            {claim.job.id: new_id()},
            token=token,
            kind=NotificationType.REVISION_REQUIRED,
            message=message,
            now=now,
        )
        await self._settle(claim, "fail", end, [release, tell])

    async def retry_later(self, claim: Claim, *, error: str, run_after: datetime, now: datetime) -> None:
        token = end_of(claim, "retry") + new_token()
        back = _leave(claim, token).values(status=JobStatus.QUEUED.value, run_after=to_ms(run_after), error=error)
        await self._settle(claim, "retry", back, [_unlock(claim, token, now)])

    async def release(self, claim: Claim, *, now: datetime) -> None:
        token = end_of(claim, "hand_back") + new_token()
        back = _leave(claim, token).values(status=JobStatus.QUEUED.value, attempts=jobs.c.attempts - 1)
        await self._settle(claim, "hand_back", back, [_unlock(claim, token, now)])

    async def _settle(self, claim: Claim, verb: str, end: Update, follow: Sequence[Executable]) -> None:
        _, ended, *_ = await self._database.run(hold_file(claim.file.id), end.returning(jobs.c.id), *follow)
        if not ended and not await self._stands(claim, verb):
            raise ClaimLost(f"job {claim.job.id} was taken over; this worker's result is void")

    async def _stands(self, claim: Claim, verb: str) -> bool:
        """Whether this very end was committed by an earlier try, whose answer was lost with the connection."""
        ours = jobs.c.token.startswith(end_of(claim, verb), autoescape=True)
        [found] = await self._database.run(select(jobs.c.id).where(jobs.c.id == claim.job.id, ours))
        return bool(found)


def head_of_queue(now: datetime) -> CTE:
    """The one job that is next: express first, then by turn.

    A CTE, because a plain subquery may be evaluated again per row and claim past its limit. It locks job and
    file together and skips what others hold: a claim never waits, so it is never part of a deadlock.
    """
    return (
        select(jobs.c.id)
        .select_from(jobs.join(files, files.c.id == jobs.c.file_id))
        .where(
            QUEUED,
            jobs.c.run_after <= to_ms(now),
            and_(files.c.locked.is_(False), files.c.expiring_at.is_(None)),
        )
        .order_by(jobs.c.express.desc(), jobs.c.turn, jobs.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .cte("head")
    )


def end_of(claim: Claim, verb: str) -> str:
    """How the token of every try at this end begins. The rest is fresh, so that no try acts on another's rows."""
    return f"{claim.job.token}-{verb}-"


def _leave(claim: Claim, token: str) -> Update:
    """The guarded end of a claim: matches only while the claim's token stands."""
    return (
        update(jobs).where(jobs.c.id == claim.job.id, IN_PROGRESS, jobs.c.token == claim.job.token).values(token=token)
    )


def _unlock(claim: Claim, token: str, now: datetime) -> Executable:
    return release_file(claim.file.id, status=FileStatus.QUEUED, when=carries(claim.job.id, token), now=now)
