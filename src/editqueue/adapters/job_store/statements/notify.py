"""Notifications of jobs that ended.

Every transition of a job writes a fresh token. The group's later statements, this one among them, act only on jobs
that carry it, so that a group whose first statement matched nothing changes nothing at all.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from sqlalchemy import insert, select

from editqueue.adapters.job_store.databases.constructs import as_json, each, given_text, given_time
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import files, jobs, notifications
from editqueue.domain.files import NotificationType


def notify(ids: Mapping[str, str], *, token: str, kind: NotificationType, message: str, now: datetime) -> Statement:
    """One notification for each job of `ids` (job id -> notification id) that ended under `token`."""
    before, _, after = message.partition("{name}")
    return _notify().bind(
        ids=as_json(ids), token=token, type=kind.value, before_name=before, after_name=after, now=to_ms(now)
    )


@cache
def _notify() -> Template:
    wanted = each("ids", "wanted")
    values = {
        "id": wanted.c.value,
        "user_id": jobs.c.user_id,
        "order_id": jobs.c.order_id,
        "file_id": jobs.c.file_id,
        "job_id": jobs.c.id,
        "type": given_text("type"),
        "message": given_text("before_name").concat(files.c.name).concat(given_text("after_name")),
        "created_at": given_time(),
    }
    ended = (
        select(*values.values())
        .select_from(wanted.join(jobs, jobs.c.id == wanted.c.key).join(files, files.c.id == jobs.c.file_id))
        .where(jobs.c.token == given_text("token"), jobs.c.finished_at.is_not(None))
    )
    return Template(insert(notifications).from_select(list(values), ended))
