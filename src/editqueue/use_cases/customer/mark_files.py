"""Mark files for editing, or take the mark away."""

from collections.abc import Sequence

from editqueue.ports import Ports
from editqueue.use_cases.customer.access import LOCKED, plain_ids, refuse


async def mark_files(ids: Sequence[str], *, marked: bool, user_id: str, ports: Ports) -> None:
    """All or nothing. Raises Forbidden, FileNotFound, FileLocked, each naming every offending id."""
    wanted = await plain_ids(ids, user_id=user_id, store=ports.store)
    seen = await ports.store.mark_files(wanted, user_id=user_id, marked=marked, now=ports.clock.now())
    refuse(wanted, seen, user_id=user_id, rejections=[LOCKED])
