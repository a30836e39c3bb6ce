"""What the system told a customer, newest first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from editqueue.domain.errors import Invalid
from editqueue.domain.files import Notification
from editqueue.ports.job_store import JobStore

_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationPage:
    items: Sequence[Notification]
    next_cursor: str | None


async def list_notifications(*, user_id: str, limit: int, cursor: str | None, store: JobStore) -> NotificationPage:
    """One page. Raises Invalid for a cursor that is none."""
    if cursor is not None and not _ID.fullmatch(cursor):
        raise Invalid("cursor must be a next_cursor of this list", field="cursor")
    found = await store.notifications(user_id, limit=limit + 1, before_id=cursor)
    page = found[:limit]
    return NotificationPage(items=page, next_cursor=page[-1].id if len(found) > limit else None)
