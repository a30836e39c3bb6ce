"""The files of an order, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from editqueue.domain.errors import Invalid
from editqueue.domain.files import File
from editqueue.ports.job_store import FileQuery, JobStore
from editqueue.use_cases.customer.access import own_order

LARGEST_INDEX = 2**31 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePage:
    files: Sequence[File]
    next_cursor: str | None


async def list_files(query: FileQuery, *, cursor: str | None, user_id: str, store: JobStore) -> FilePage:
    """One page by index without deleted files. Raises OrderNotFound, Forbidden, Invalid (bad cursor)."""
    after = _position(cursor)
    await own_order(query.order_id, user_id=user_id, store=store)
    found = await store.list_files(replace(query, after_index=after, limit=query.limit + 1))
    page = found[: query.limit]
    more = len(found) > query.limit
    return FilePage(files=page, next_cursor=str(page[-1].index) if more else None)


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdigit() and int(cursor[:12]) <= LARGEST_INDEX and len(cursor) <= 12:
        return int(cursor)
    raise Invalid("cursor must be a next_cursor of this list", field="cursor")
