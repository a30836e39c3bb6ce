"""The kept counts, and what they tell: whether some file is queued or in progress without a job."""

from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, FromClause, exists, func, select, text

from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.schema import ACTIVE, IN_PROGRESS, counts, files, jobs
from editqueue.adapters.job_store.statements.group import Group, T
from editqueue.domain.files import FileStatus

MANY: Final = 20
"""Rows of changed counts that are not worth adding up."""


@cache
def kept_counts() -> Template:
    """All of them, as one row."""
    return Template(select(*(func.coalesce(func.sum(column), 0).label(column.name) for column in counts.c)))


def where_books_differ() -> FromClause:
    """One row if there are not as many files queued or in progress as jobs, with how many more (`surplus`); else none.
    Joined first, it spares a look at all files as long as every file has its job."""
    at_rest = counts.c.files_uploaded + counts.c.files_done + counts.c.files_failed
    files_active = select(func.coalesce(func.sum(counts.c.files_there - at_rest), 0)).scalar_subquery()
    jobs_active = select(func.count()).select_from(jobs).where(ACTIVE).scalar_subquery()
    surplus = (files_active - jobs_active).label("surplus")
    return select(surplus).where(files_active != jobs_active).subquery("books_differ")


def stale_lock() -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    """The conditions of a file that is in progress, as every locked one is, without a job in progress."""
    has_job = exists().where(IN_PROGRESS, jobs.c.file_id == files.c.id)
    return files.c.status == FileStatus.IN_PROGRESS.value, files.c.deleted_at.is_(None), ~has_job


def adding_up_counts(group: Group[T]) -> Group[T]:
    """On PostgreSQL: the same group; and when many rows have changed a count, they become one. Of two that do it at
    once, each adds up what the other leaves."""
    return Group(
        statements=(*group.statements, _add_up().bind()), read=lambda rows: group.read(rows[:-1]), queues=group.queues
    )


@cache
def _add_up() -> Template:
    names = [column.name for column in counts.c]
    sums = ", ".join(f"sum({name})" for name in names)
    return Template(
        text(f"""
WITH added AS (DELETE FROM counts WHERE (SELECT count(*) FROM counts) > {MANY} RETURNING *)
INSERT INTO counts ({", ".join(names)}) SELECT {sums} FROM added HAVING count(*) > 0
""")  # noqa: S608  # column names of our own table
    )
