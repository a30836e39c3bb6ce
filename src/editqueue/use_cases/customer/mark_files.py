"""Mark files for editing, or take the mark away."""

from collections.abc import Sequence

from editqueue.ports.job_store import JobStore
from editqueue.ports.time import Clock
from editqueue.use_cases.customer.access import LOCKED, plain_ids, refuse


async def mark_files(ids: Sequence[str], *, marked: bool, user_id: str, store: JobStore, clock: Clock) -> None:
    """All or nothing. Raises Forbidden, FileNotFound, FileLocked, each naming every offending id."""
    wanted = await plain_ids(ids, user_id=user_id, store=store)
    seen = await store.mark_files(wanted, user_id=user_id, marked=marked, now=clock.now())
    refuse(wanted, seen, user_id=user_id, rejections=[LOCKED])
