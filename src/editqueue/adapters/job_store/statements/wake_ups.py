"""On PostgreSQL: listeners hear of jobs that a transaction put into the queue, once it is committed."""

from functools import cache
from typing import Final

from sqlalchemy import func, literal, literal_column, select

from editqueue.adapters.job_store.databases.constructs import among, given_text, ids_as_json
from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.schema import QUEUED, jobs
from editqueue.adapters.job_store.statements.group import Group, T

CHANNEL: Final = "editqueue"
"""Also in adapters/job_queue/postgres.py, which listens."""
JOBS_A_NOTIFICATION: Final = 200
"""Ids of 36 characters; a notification has less than 8,000 (PostgreSQL, NOTIFY)."""


def notifying(group: Group[T]) -> Group[T]:
    """The same group, with a notification of the jobs that it queues if it does: `jobs ID ID ...`."""
    if group.queues is None:
        return group
    ids, token = ids_as_json(group.queues.job_ids), group.queues.token
    wake_up = _wake_up().bind(ids=ids, token=token)
    return Group(statements=(*group.statements, wake_up), read=lambda rows: group.read(rows[:-1]), queues=group.queues)


@cache
def _wake_up() -> Template:
    place = func.row_number().over(order_by=jobs.c.id) - 1
    queued = (
        select(jobs.c.id, (place // JOBS_A_NOTIFICATION).label("part"))
        .where(QUEUED, among(jobs.c.id), jobs.c.token == given_text("token"))
        .subquery("queued")
    )
    said = literal("jobs ").concat(func.string_agg(queued.c.id, literal_column("' '")))
    return Template(select(func.pg_notify(literal_column(f"'{CHANNEL}'"), said)).group_by(queued.c.part))
