"""The four ways in which the holder of a claim ends it. Each group tells whether the claim was still its own."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache

from sqlalchemy import Update, exists, func, select, update

from editqueue.adapters.job_store.databases.constructs import given_number, given_text, given_time
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import IN_PROGRESS, files, jobs
from editqueue.adapters.job_store.statements import attempts
from editqueue.adapters.job_store.statements.group import Group, Queues
from editqueue.adapters.job_store.statements.notify import notify
from editqueue.adapters.job_store.statements.row_locks import hold_file
from editqueue.domain.attempts import AttemptEnd
from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import JobStatus
from editqueue.domain.messages import EDIT_DONE
from editqueue.ports.job_store import Claim


def finish(claim: Claim, *, preview_url: str, bytes_copied: int, now: datetime) -> Group[bool]:
    token, moment = token_of_end(claim, "finish"), to_ms(now)
    end = _finish().bind(**_of_job(claim, token), bytes_copied=bytes_copied, now=moment)
    publish = _publish().bind(**_of_file(claim, token), preview_url=preview_url, now=moment)
    ids = {claim.job.id: new_id()}
    tell = notify(ids, token=token, kind=NotificationType.EDIT_DONE, message=EDIT_DONE, now=now)
    return _ending(claim, end, publish, tell)


@cache
def _finish() -> Template:
    return Template(
        _leave().values(
            status=JobStatus.DONE.value, finished_at=given_time(), error=None, bytes_copied=given_number("bytes_copied")
        )
    )


@cache
def _publish() -> Template:
    return Template(
        _release_file().values(
            status=FileStatus.DONE.value, preview_url=given_text("preview_url"), finished_at=given_time()
        )
    )


def fail(claim: Claim, *, error: str, message: str, file_status: FileStatus, now: datetime) -> Group[bool]:
    token, moment = token_of_end(claim, "fail"), to_ms(now)
    end = _fail().bind(**_of_job(claim, token), error=error, now=moment)
    release_file = _close_file().bind(**_of_file(claim, token), file_status=file_status.value, now=moment)
    ids = {claim.job.id: new_id()}
    tell = notify(ids, token=token, kind=NotificationType.REVISION_REQUIRED, message=message, now=now)
    record = attempts.record(claim, AttemptEnd.FAIL, error=error, run_after=None, token=token, now=now)
    return _ending(claim, end, release_file, tell, record)


@cache
def _fail() -> Template:
    return Template(_leave().values(status=JobStatus.FAILED.value, finished_at=given_time(), error=given_text("error")))


@cache
def _close_file() -> Template:
    return Template(_release_file().values(status=given_text("file_status"), finished_at=given_time()))


def retry_later(claim: Claim, *, error: str, run_after: datetime, now: datetime) -> Group[bool]:
    token = token_of_end(claim, "retry")
    end = _retry().bind(**_of_job(claim, token), run_after=to_ms(run_after), error=error)
    record = attempts.record(claim, AttemptEnd.RETRY, error=error, run_after=run_after, token=token, now=now)
    return _ending(claim, end, _queue_file().bind(**_of_file(claim, token), now=to_ms(now)), record)


@cache
def _retry() -> Template:
    return Template(_back_in_queue().values(run_after=given_time("run_after"), error=given_text("error")))


@cache
def _queue_file() -> Template:
    return Template(_release_file().values(status=FileStatus.QUEUED.value))


def release(claim: Claim, *, reason: str | None, now: datetime) -> Group[bool]:
    token = token_of_end(claim, "release")
    end = _release().bind(**_of_job(claim, token))
    queue_file = _queue_file().bind(**_of_file(claim, token), now=to_ms(now))
    record = attempts.record(claim, AttemptEnd.HAND_BACK, error=reason, run_after=now, token=token, now=now)
    ending = _ending(claim, end, queue_file, record, attempts.trim(claim.job.id))
    return replace(ending, queues=Queues(job_ids=[claim.job.id], token=token))


@cache
def _release() -> Template:
    return Template(_back_in_queue().values(attempts=jobs.c.attempts - 1))


def _back_in_queue() -> Update:
    """Without a holder: a program of the version before claims it without naming one, and must not work under ours."""
    return _leave().values(status=JobStatus.QUEUED.value, holder=None)


def stands(claim: Claim, verb: str) -> Group[bool]:
    """Whether this very end was committed by an earlier try, whose answer was lost with the connection."""
    found = _begun_with().bind(job_id=claim.job.id, beginning=_prefix(claim, verb))
    return Group(statements=(found,), read=lambda rows: bool(rows[0]))


@cache
def _begun_with() -> Template:
    beginning = given_text("beginning")
    ours = func.substr(jobs.c.token, 1, func.length(beginning)) == beginning
    return Template(select(jobs.c.id).where(jobs.c.id == given_text("job_id"), ours))


def token_of_end(claim: Claim, verb: str) -> str:
    """The token that this try at an end writes: `stands` recognises how it begins. The rest is fresh, so that no try
    acts on another's rows."""
    return _prefix(claim, verb) + new_token()


def _prefix(claim: Claim, verb: str) -> str:
    return f"{claim.job.token}-{verb}-"


def _ending(claim: Claim, end: Statement, *follow: Statement) -> Group[bool]:
    return Group(statements=(hold_file(claim.file.id), end, *follow), read=lambda rows: bool(rows[1]))


def _leave() -> Update:
    """The guarded end of a claim: matches only while the claim's token stands."""
    return (
        update(jobs)
        .where(jobs.c.id == given_text("job_id"), IN_PROGRESS, jobs.c.token == given_text("claim_token"))
        .values(token=given_text("token"))
        .returning(jobs.c.id)
    )


def _of_job(claim: Claim, token: str) -> Mapping[str, str]:
    """The values that `_leave` asks for."""
    return {"job_id": claim.job.id, "claim_token": claim.job.token, "token": token}


def _release_file() -> Update:
    """Unlock the claim's file, if the claim ended under `token`."""
    ended = exists().where(jobs.c.id == given_text("job_id"), jobs.c.token == given_text("token"))
    return update(files).where(files.c.id == given_text("file_id"), ended).values(locked=False, updated_at=given_time())


def _of_file(claim: Claim, token: str) -> Mapping[str, str]:
    """The values that `_release_file` asks for."""
    return {"file_id": claim.file.id, "job_id": claim.job.id, "token": token}
