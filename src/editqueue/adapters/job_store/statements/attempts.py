"""Attempts that did not make their job done: each is written down by the transaction that ends it.

As with notifications, a statement here acts only on jobs that carry the token of the transition.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Insert, Integer, Select, case, delete, func, insert, literal_column, select

from editqueue.adapters.job_store.databases.constructs import as_json, each, given_number, given_text, given_time
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import to_attempt, to_job, to_ms
from editqueue.adapters.job_store.schema import QUEUED, attempts, jobs
from editqueue.adapters.job_store.statements.group import Group
from editqueue.domain.attempts import AttemptEnd, JobStory, story_of
from editqueue.domain.jobs import EditJob
from editqueue.ports.job_store import Claim

KEPT: Final = 20
"""The newest of a job that is handed back again and again; those that count are as few as its tries."""
FORGOTTEN_AT_ONCE: Final = 1_000
"""Old attempts that one sweep deletes at most, as far as they ended at different times; the next one goes on."""


def record(
    claim: Claim, ended_by: AttemptEnd, *, error: str | None, run_after: datetime | None, token: str, now: datetime
) -> Statement:
    """The attempt of a claim that was ended under `token`."""
    return _record().bind(
        job_id=claim.job.id,
        token=token,
        number=claim.job.attempts,
        consumer=claim.job.holder,
        ended_by=ended_by.value,
        error=error,
        run_after=None if run_after is None else to_ms(run_after),
        now=to_ms(now),
    )


@cache
def _record() -> Template:
    return Template(
        _insert(
            select(jobs.c.id).where(jobs.c.id == given_text("job_id"), jobs.c.token == given_text("token")),
            number=given_number("number"),
            consumer=given_text("consumer"),
            error=given_text("error"),
            run_after=given_time("run_after"),
        )
    )


def record_taken(found: Sequence[EditJob], ended_by: AttemptEnd, *, token: str, now: datetime) -> Statement:
    """The attempts of those of `found` that were taken from their consumers under `token`."""
    consumers = as_json({job.id: job.holder or "" for job in found})
    return _record_taken().bind(consumers=consumers, token=token, ended_by=ended_by.value, now=to_ms(now))


@cache
def _record_taken() -> Template:
    taken = each("consumers", "taken")
    return Template(
        _insert(
            select(jobs.c.id)
            .select_from(taken.join(jobs, jobs.c.id == taken.c.key))
            .where(jobs.c.token == given_text("token")),
            number=jobs.c.attempts,
            consumer=func.nullif(taken.c.value, ""),
            error=jobs.c.error,
            run_after=case((QUEUED, given_time()), else_=None),
        )
    )


def _insert(ended: Select[tuple[str]], **values: ColumnElement[Any]) -> Insert:
    earlier = attempts.alias("earlier")
    last = select(func.max(earlier.c.place)).where(earlier.c.job_id == jobs.c.id).correlate(jobs).scalar_subquery()
    columns: Mapping[str, ColumnElement[Any]] = {
        "job_id": jobs.c.id,
        "place": func.coalesce(last, 0) + 1,
        "began_at": jobs.c.started_at,
        "ended_at": given_time(),
        "ended_by": given_text("ended_by"),
        **values,
    }
    return insert(attempts).from_select(list(columns), ended.with_only_columns(*columns.values()))


def trim(job_id: str) -> Statement:
    """Of a job's attempts only the newest stay."""
    return _trim().bind(job_id=job_id)


@cache
def _trim() -> Template:
    last = attempts.alias("last")
    newest = select(func.max(last.c.place)).where(last.c.job_id == given_text("job_id")).scalar_subquery()
    return Template(
        delete(attempts).where(attempts.c.job_id == given_text("job_id"), attempts.c.place <= newest - KEPT)
    )


def forget_old(*, ended_before: datetime) -> Statement:
    return _forget_old().bind(ended_before=to_ms(ended_before))


@cache
def _forget_old() -> Template:
    old = attempts.alias("old")
    last_of_many = (
        select(old.c.ended_at)
        .where(old.c.ended_at < given_time("ended_before"))
        .order_by(old.c.ended_at)
        .limit(literal_column("1", Integer))
        .offset(literal_column(str(FORGOTTEN_AT_ONCE), Integer))
        .scalar_subquery()
    )
    until = func.coalesce(last_of_many, given_time("ended_before") - 1)
    return Template(delete(attempts).where(attempts.c.ended_at <= until))


def job_story(job_id: str) -> Group[JobStory | None]:
    """A job and its attempts, which may be those of a moment later."""
    return Group(
        statements=(_story().bind(job_id=job_id), _attempts().bind(job_id=job_id)),
        read=lambda rows: next((story_of(to_job(row), [*map(to_attempt, rows[1])]) for row in rows[0]), None),
    )


@cache
def _story() -> Template:
    return Template(select(*jobs.c).where(jobs.c.id == given_text("job_id")))


@cache
def _attempts() -> Template:
    of_job = attempts.c.job_id == given_text("job_id")
    return Template(select(*attempts.c).where(of_job).order_by(attempts.c.place))
