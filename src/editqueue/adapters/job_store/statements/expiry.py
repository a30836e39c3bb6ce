"""Retention: which files lose their objects, and that they have lost them."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Integer, literal_column, or_, select, update

from editqueue.adapters.job_store.databases.constructs import given_text, given_time
from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.rows import to_file, to_ms
from editqueue.adapters.job_store.schema import FILE_COLUMNS, files
from editqueue.adapters.job_store.statements.attempts import forget_old
from editqueue.adapters.job_store.statements.group import Group
from editqueue.ports.job_store import Expiry


def begin_expiry(
    *, finished_before: datetime, abandoned_before: datetime, limit: int, now: datetime
) -> Group[Sequence[Expiry]]:
    mark = _begin(limit).bind(
        finished_before=to_ms(finished_before), abandoned_before=to_ms(abandoned_before), now=to_ms(now)
    )
    return Group(
        statements=(mark, forget_old(ended_before=finished_before)),
        read=lambda rows: [Expiry(file=to_file(row), expiring_at=now) for row in rows[0]],
    )


@cache
def _begin(limit: int) -> Template:
    due = select(files.c.id).where(
        files.c.finished_at.is_not(None),
        files.c.finished_at < given_time("finished_before"),
        files.c.locked.is_(False),
        or_(files.c.expiring_at.is_(None), files.c.expiring_at < given_time("abandoned_before")),
    )
    # A literal: PostgreSQL takes a limit that is a parameter for a tenth of everything. The sweep has only one limit.
    most = literal_column(str(int(limit)), Integer)
    oldest = due.order_by(files.c.finished_at).limit(most).with_for_update(skip_locked=True).cte("due")
    return Template(
        update(files)
        .where(files.c.id.in_(select(oldest.c.id)))
        .values(expiring_at=given_time())
        .returning(*FILE_COLUMNS)
    )


def settle_expiry(expiry: Expiry, *, now: datetime) -> Group[bool]:
    clear = _settle().bind(file_id=expiry.file.id, begun_at=to_ms(expiry.expiring_at), now=to_ms(now))
    return Group(statements=(clear,), read=lambda rows: bool(rows[0]))


@cache
def _settle() -> Template:
    return Template(
        update(files)
        .where(files.c.id == given_text("file_id"), files.c.expiring_at == given_time("begun_at"))
        .values(preview_url=None, finished_at=None, expiring_at=None, updated_at=given_time())
        .returning(files.c.id)
    )
