"""The four ways in which the holder of a claim ends it. Each group tells whether the claim was still its own."""

from datetime import datetime

from sqlalchemy import Executable, Update, exists, select, update

from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import IN_PROGRESS, files, jobs
from editqueue.adapters.job_store.statements.group import Group
from editqueue.adapters.job_store.statements.notify import notify
from editqueue.adapters.job_store.statements.row_locks import hold_file
from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import JobStatus
from editqueue.domain.messages import EDIT_DONE
from editqueue.ports.job_store import Claim


def finish(claim: Claim, *, preview_url: str, bytes_copied: int, now: datetime) -> Group[bool]:
    token = token_of_end(claim, "finish")
    end = _leave(claim, token).values(
        status=JobStatus.DONE.value, finished_at=to_ms(now), error=None, bytes_copied=bytes_copied
    )
    publish = _release_file(claim, token, FileStatus.DONE, now).values(preview_url=preview_url, finished_at=to_ms(now))
    ids = {claim.job.id: new_id()}
    tell = notify(ids, token=token, kind=NotificationType.EDIT_DONE, message=EDIT_DONE, now=now)
    return _ending(claim, end, publish, tell)


def fail(claim: Claim, *, error: str, message: str, file_status: FileStatus, now: datetime) -> Group[bool]:
    token = token_of_end(claim, "fail")
    end = _leave(claim, token).values(status=JobStatus.FAILED.value, finished_at=to_ms(now), error=error)
    release_file = _release_file(claim, token, file_status, now).values(finished_at=to_ms(now))
    ids = {claim.job.id: new_id()}
    tell = notify(ids, token=token, kind=NotificationType.REVISION_REQUIRED, message=message, now=now)
    return _ending(claim, end, release_file, tell)


def retry_later(claim: Claim, *, error: str, run_after: datetime, now: datetime) -> Group[bool]:
    token = token_of_end(claim, "retry")
    end = _leave(claim, token).values(status=JobStatus.QUEUED.value, run_after=to_ms(run_after), error=error)
    return _ending(claim, end, _release_file(claim, token, FileStatus.QUEUED, now))


def release(claim: Claim, *, now: datetime) -> Group[bool]:
    token = token_of_end(claim, "release")
    end = _leave(claim, token).values(status=JobStatus.QUEUED.value, attempts=jobs.c.attempts - 1)
    return _ending(claim, end, _release_file(claim, token, FileStatus.QUEUED, now))


def stands(claim: Claim, verb: str) -> Group[bool]:
    """Whether this very end was committed by an earlier try, whose answer was lost with the connection."""
    ours = jobs.c.token.startswith(_prefix(claim, verb), autoescape=True)
    found = select(jobs.c.id).where(jobs.c.id == claim.job.id, ours)
    return Group(statements=(found,), read=lambda rows: bool(rows[0]))


def token_of_end(claim: Claim, verb: str) -> str:
    """The token that this try at an end writes: `stands` recognises how it begins. The rest is fresh, so that no try
    acts on another's rows."""
    return _prefix(claim, verb) + new_token()


def _prefix(claim: Claim, verb: str) -> str:
    return f"{claim.job.token}-{verb}-"


def _ending(claim: Claim, end: Update, *follow: Executable) -> Group[bool]:
    return Group(
        statements=(hold_file(claim.file.id), end.returning(jobs.c.id), *follow), read=lambda rows: bool(rows[1])
    )


def _leave(claim: Claim, token: str) -> Update:
    """The guarded end of a claim: matches only while the claim's token stands."""
    return (
        update(jobs).where(jobs.c.id == claim.job.id, IN_PROGRESS, jobs.c.token == claim.job.token).values(token=token)
    )


def _release_file(claim: Claim, token: str, status: FileStatus, now: datetime) -> Update:
    """Unlock the claim's file and give it `status`, if the claim ended under `token`."""
    return (
        update(files)
        .where(files.c.id == claim.file.id, exists().where(jobs.c.id == claim.job.id, jobs.c.token == token))
        .values(locked=False, status=status.value, updated_at=to_ms(now))
    )
