"""Notifications of jobs that ended.

Every transition of a job writes a fresh token. The group's later statements, this one among them, act only on jobs
that carry it, so that a group whose first statement matched nothing changes nothing at all.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Executable, insert, literal, select

from editqueue.adapters.job_store.databases.constructs import each
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import files, jobs, notifications
from editqueue.domain.files import NotificationType


def notify(ids: Mapping[str, str], *, token: str, kind: NotificationType, message: str, now: datetime) -> Executable:
    """One notification for each job of `ids` (job id -> notification id) that ended under `token`."""
    wanted = each(ids, "wanted")
    before, _, after = message.partition("{name}")
    text = literal(before).concat(files.c.name).concat(literal(after))
    rows = (
        select(
            wanted.c.value,
            jobs.c.user_id,
            jobs.c.order_id,
            jobs.c.file_id,
            jobs.c.id,
            literal(kind.value),
            text,
            literal(to_ms(now), notifications.c.created_at.type),
        )
        .select_from(wanted.join(jobs, jobs.c.id == wanted.c.key).join(files, files.c.id == jobs.c.file_id))
        .where(jobs.c.token == token, jobs.c.finished_at.is_not(None))
    )
    columns = ["id", "user_id", "order_id", "file_id", "job_id", "type", "message", "created_at"]
    return insert(notifications).from_select(columns, rows)
