"""The requests that jobs came from: written by the transaction that makes a job, read by the one that claims it, and
only where traces are on."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import Integer, delete, literal_column, select
from sqlalchemy.dialects.sqlite import insert as upsert

from editqueue.adapters.job_store.databases.constructs import among, given_text, ids_as_json
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.schema import QUEUED, jobs, traces
from editqueue.adapters.job_store.statements.group import Group, T
from editqueue.domain.ids import first_id_of

TraceParent = Callable[[], str | None]
"""Says what request runs, as W3C Trace Context writes it (`traceparent`); None outside of requests."""
OF_JOB: Final = "(SELECT traceparent FROM traces WHERE traces.job_id = {job}.id)"
"""For what a claim returns: the request that the job came from, or NULL."""
SINCE: Final = "0008"
"""The revision of the schema that made the table."""
FORGOTTEN_AT_ONCE: Final = 1_000
"""Rows of old jobs that one sweep deletes at most; the next one goes on."""


def joined(group: Group[T], traceparent: str | None) -> Group[T]:
    """The same group, with the request that runs written down for the jobs that it makes. A job that is queued again
    keeps the request it came from."""
    if group.queues is None or traceparent is None:
        return group
    ids, token = ids_as_json(group.queues.job_ids), group.queues.token
    join = _join().bind(ids=ids, token=token, traceparent=traceparent)
    return Group(statements=(*group.statements, join), read=lambda rows: group.read(rows[:-1]), queues=group.queues)


@cache
def _join() -> Template:
    made = select(jobs.c.id, given_text("traceparent")).where(
        QUEUED, among(jobs.c.id), jobs.c.token == given_text("token")
    )
    return Template(upsert(traces).from_select(["job_id", "traceparent"], made).on_conflict_do_nothing())


def forgetting_old(group: Group[T], *, made_before: datetime) -> Group[T]:
    """The same group, which forgets the requests of jobs that were made before, too."""
    return Group(statements=(*group.statements, _forget_old(made_before)), read=lambda rows: group.read(rows[:-1]))


def _forget_old(made_before: datetime) -> Statement:
    return _forget().bind(first=first_id_of(made_before))


@cache
def _forget() -> Template:
    old = traces.alias("old")
    oldest = (
        select(old.c.job_id)
        .where(old.c.job_id < given_text("first"))
        .order_by(old.c.job_id)
        .limit(literal_column(str(FORGOTTEN_AT_ONCE), Integer))
    )
    return Template(delete(traces).where(traces.c.job_id.in_(oldest)))
