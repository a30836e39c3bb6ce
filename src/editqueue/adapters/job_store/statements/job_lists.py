"""Lists of jobs for operators, by what they ask for.

No index of edit_jobs is there for this alone: each would be written with every job. What there is answers: the partial
indexes of a status, the order of a job, the orders of a customer, and ids, which are in the order of time.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select

from editqueue.adapters.job_store import schema
from editqueue.adapters.job_store.databases.constructs import given_number, given_text, given_time
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import to_job, to_ms
from editqueue.adapters.job_store.schema import OF_STATUS, files, orders
from editqueue.adapters.job_store.statements.group import Group
from editqueue.domain.ids import first_id_of
from editqueue.domain.jobs import ACTIVE, EditJob, JobStatus
from editqueue.ports.job_store import JobQuery

_JOBS = schema.jobs.c

CLOCKS_OF_IDS: Final = timedelta(days=1)
"""So much may the clock that made an id be wrong; `created_at` is by the database's."""
WITH_ERRORS: Final = (JobStatus.QUEUED, JobStatus.IN_PROGRESS, JobStatus.FAILED)
"""The first two after a first attempt."""


def jobs(query: JobQuery) -> Group[Sequence[EditJob]]:
    """Newest first. An error without a status is looked for in each status that may have one."""
    asks_for_any = query.status is None and query.error_code is not None
    statuses = WITH_ERRORS if asks_for_any else (query.status,)
    return Group(
        statements=tuple(_jobs_of(query, status) for status in statuses), read=lambda rows: _newest(rows, query.limit)
    )


def _newest(found: Sequence[Rows], limit: int) -> Sequence[EditJob]:
    by_id = {row["id"]: row for rows in found for row in rows}  # a job that moved meanwhile was found twice
    return [to_job(by_id[job_id]) for job_id in sorted(by_id, reverse=True)[:limit]]


def _jobs_of(query: JobQuery, status: JobStatus | None) -> Statement:
    given = _given(query, by_id=status not in WITH_ERRORS)
    return _select(status, *given, may_be_retried=query.may_be_retried).bind(**given, most=query.limit)


def _given(query: JobQuery, *, by_id: bool) -> Mapping[str, object]:
    """What is asked for, by the name of its parameter; `by_id` times by the ids, too."""
    times = {"since": query.since, "older_than": query.older_than}
    slack = {"since": -CLOCKS_OF_IDS, "older_than": CLOCKS_OF_IDS}
    wanted = {
        "order_id": query.order_id,
        "user_id": query.user_id,
        "error_code": query.error_code,
        "before_id": query.before_id,
        **{name: time and to_ms(time) for name, time in times.items()},
        **{f"{name}_id": time and first_id_of(time + slack[name]) for name, time in times.items() if by_id},
    }
    return {name: value for name, value in wanted.items() if value is not None}


@cache
def _select(status: JobStatus | None, *given: str, may_be_retried: bool) -> Template:
    conditions = [_CONDITIONS[name] for name in given if name in _CONDITIONS]
    time = _JOBS.finished_at if status is JobStatus.FAILED else _JOBS.created_at
    if "since" in given:
        conditions.append(time >= given_time("since"))
    if "older_than" in given:
        conditions.append(time < given_time("older_than"))
    if status is not None:
        conditions.append(OF_STATUS[status])
    # What may be retried is read to its end, page by page: all failed jobs once, in the order of their index. By the
    # orders of a customer, each page would sort all that is left.
    by_orders = "user_id" in given and not may_be_retried
    if by_orders and "order_id" not in given:
        conditions.append(_JOBS.order_id.in_(select(orders.c.id).where(orders.c.user_id == given_text("user_id"))))
    if may_be_retried:
        conditions.append(_nothing_since())
    # Where few are left to be sorted, their order is kept from the planner: in the order of the ids it would look at
    # all jobs, for a page that may never get full.
    few = by_orders or (status in ACTIVE and "order_id" not in given)
    order = func.coalesce(_JOBS.id, "") if few else _JOBS.id
    return Template(select(*_JOBS).where(*conditions).order_by(order.desc()).limit(given_number("most")))


def _nothing_since() -> ColumnElement[bool]:
    """The job is the last of its file that ended, and the file is free. Not as EXISTS: of that PostgreSQL makes a
    join, with all files if it thinks them few."""
    free = (
        files.c.id == _JOBS.file_id,
        files.c.deleted_at.is_(None),
        files.c.status.in_([literal_column("'queued'"), literal_column("'failed'")]),
        files.c.locked.is_(False),
    )
    active = schema.jobs.alias("other")
    of_file = (
        active.c.status.in_([literal_column("'queued'"), literal_column("'in_progress'")]),
        active.c.file_id == _JOBS.file_id,
    )
    other = select(active.c.id).where(*of_file).correlate(schema.jobs).scalar_subquery()
    last = select(files.c.finished_at).where(*free).correlate(schema.jobs).scalar_subquery()
    return and_(_JOBS.finished_at == last, other.is_(None))


_CONDITIONS: Final[Mapping[str, ColumnElement[bool]]] = {
    "order_id": _JOBS.order_id == given_text("order_id"),
    "user_id": _JOBS.user_id == given_text("user_id"),
    "before_id": _JOBS.id < given_text("before_id"),
    "since_id": _JOBS.id >= given_text("since_id"),
    "older_than_id": _JOBS.id < given_text("older_than_id"),
    "error_code": or_(
        _JOBS.error == given_text("error_code"),
        func.substr(_JOBS.error, 1, func.length(given_text("error_code")) + 1) == given_text("error_code").concat(":"),
    ),
}
