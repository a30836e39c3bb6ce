"""Take-over: consumers that are gone lose their jobs at once, and who else lives."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from sqlalchemy import Boolean, ColumnElement, delete, exists, func, literal_column, select, tuple_

from editqueue.adapters.job_store.databases.constructs import among, as_json, each, given_number, ids_as_json
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.holders.advisory_locks import HELD, LOCK_CLASS
from editqueue.adapters.job_store.rows import to_job, to_ms
from editqueue.adapters.job_store.schema import IN_PROGRESS, consumers, jobs
from editqueue.adapters.job_store.statements.group import Group, reading
from editqueue.adapters.job_store.statements.rescue import back_in_queue, taking_back
from editqueue.domain.attempts import AttemptEnd
from editqueue.domain.ids import new_token
from editqueue.domain.jobs import EditJob
from editqueue.ports.consumers import LivingConsumer

MOST_JOBS = 500
"""Taken over in one transaction; the next look takes the rest."""
GONE_ERROR = "gone: the consumer that worked on it is gone"


def jobs_of(holders: Sequence[str]) -> Group[Sequence[EditJob]]:
    """The jobs in progress of `holders`, the longest first, up to MOST_JOBS."""
    return reading(_jobs_of().bind(holders=ids_as_json(holders), most=MOST_JOBS), to_job)


@cache
def _jobs_of() -> Template:
    of_holders = (IN_PROGRESS, among(jobs.c.holder, "holders"))
    return Template(select(*jobs.c).where(*of_holders).order_by(jobs.c.started_at).limit(given_number("most")))


def take_over(found: Sequence[EditJob], *, max_retries: int, message: str, now: datetime) -> Group[Sequence[EditJob]]:
    """Those of `found` that nobody has moved since, by a caller who keeps their holders from coming back."""
    token = new_token()
    back = _take_over().bind(tokens=_tokens(found), max_retries=max_retries, token=token, now=to_ms(now))
    return taking_back(found, back, AttemptEnd.TAKEN_OVER, token=token, message=message, now=now)


@cache
def _take_over() -> Template:
    return Template(back_in_queue(GONE_ERROR).where(*_unmoved()))


def take_over_under_locks(
    found: Sequence[EditJob], holders: Sequence[str], *, max_retries: int, message: str, now: datetime
) -> Group[Sequence[EditJob]]:
    """On PostgreSQL: the same if the lock of the job's holder is free, which is ours until the transaction ends. Of
    `holders`, those without any job left are forgotten."""
    token, names = new_token(), ids_as_json(holders)
    back = _take_over_under_locks().bind(
        tokens=_tokens(found), holders=names, max_retries=max_retries, token=token, now=to_ms(now)
    )
    taken = taking_back(found, back, AttemptEnd.TAKEN_OVER, token=token, message=message, now=now)
    return replace(taken, statements=(*taken.statements, _forget().bind(holders=names)))


@cache
def _take_over_under_locks() -> Template:
    names = each("holders", "names")
    free = select(names.c.key).where(_gets_lock(names.c.key))
    return Template(back_in_queue(GONE_ERROR).where(*_unmoved(), jobs.c.holder.in_(free)))


@cache
def _forget() -> Template:
    has_jobs = exists().where(IN_PROGRESS, jobs.c.holder == consumers.c.name)
    return Template(
        delete(consumers).where(among(consumers.c.name, "holders"), ~has_jobs, _gets_lock(consumers.c.name))
    )


def gone_holders() -> Group[Sequence[str]]:
    """On PostgreSQL: the consumers whose lock nobody holds."""
    return reading(_gone_holders().bind(), lambda row: row["name"])


@cache
def _gone_holders() -> Template:
    return Template(select(consumers.c.name).where(~_held()).order_by(consumers.c.name))


def living_consumers() -> Group[Sequence[LivingConsumer]]:
    """On PostgreSQL: those whose lock is held, by name."""
    return Group(
        statements=(living(), _running().bind()),
        read=lambda rows: _with_jobs([row["name"] for row in rows[0]], rows[1]),
    )


def living() -> Statement:
    """Their names."""
    return _living().bind()


@cache
def _living() -> Template:
    return Template(select(consumers.c.name).where(_held()).order_by(consumers.c.name))


def running_of(names: Sequence[str]) -> Group[Sequence[LivingConsumer]]:
    """What the consumers `names` are known to work on."""
    return Group(statements=(_running().bind(),), read=lambda rows: _with_jobs(names, rows[0]))


@cache
def _running() -> Template:
    held = (IN_PROGRESS, jobs.c.holder.is_not(None))
    return Template(select(jobs.c.id, jobs.c.holder).where(*held).order_by(jobs.c.started_at))


def _with_jobs(names: Sequence[str], running: Rows) -> Sequence[LivingConsumer]:
    return [LivingConsumer(name=name, jobs=[row["id"] for row in running if row["holder"] == name]) for name in names]


def _tokens(found: Sequence[EditJob]) -> str:
    return as_json({job.id: job.token for job in found})


def _unmoved() -> tuple[ColumnElement[bool], ...]:
    """A job in progress under the token that `tokens` (job id -> token) has for it."""
    seen = each("tokens", "seen")
    return (
        IN_PROGRESS,
        among(jobs.c.id, "tokens"),
        tuple_(jobs.c.id, jobs.c.token).in_(select(seen.c.key, seen.c.value)),
    )


def _held() -> ColumnElement[bool]:
    return literal_column(HELD, Boolean)


def _gets_lock(name: ColumnElement[str]) -> ColumnElement[bool]:
    """Take the lock of a consumer until the transaction ends; false if its session, or anybody, holds it."""
    return func.pg_try_advisory_xact_lock(literal_column(str(LOCK_CLASS)), func.hashtext(name), type_=Boolean)
