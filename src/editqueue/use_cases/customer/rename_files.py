"""Bring names to `{date}-{shootcode}_{room_type}_{index}_v{ver}.{ext}`; object keys stay as they are."""

import re
from collections.abc import Iterable, Mapping, Sequence

from editqueue.domain.errors import Conflict
from editqueue.domain.files import File, Order
from editqueue.ports import Ports
from editqueue.ports.job_store import JobStore, Renaming
from editqueue.use_cases.customer.access import LOCKED, plain_ids, refuse, states_of

TRIES = 5
"""A rename lost to another one at the same moment is computed anew this often."""


async def rename_files(ids: Sequence[str], *, user_id: str, ports: Ports) -> Sequence[Renaming]:
    """All or nothing, in the order of `ids`. Raises Forbidden, FileNotFound, FileLocked, Conflict."""
    wanted = await plain_ids(ids, user_id=user_id, store=ports.store)
    for _ in range(TRIES):
        renamings = await _plan(wanted, user_id=user_id, store=ports.store)
        result = await ports.store.rename_files(renamings, user_id=user_id, now=ports.clock.now())
        if result.done:
            return renamings
        refuse(wanted, result.seen, user_id=user_id, rejections=[LOCKED])
    raise Conflict("the files are being changed by somebody else; try again", ids=wanted)


async def _plan(ids: Sequence[str], *, user_id: str, store: JobStore) -> Sequence[Renaming]:
    files = {file.id: file for file in await store.files(ids)}
    refuse(ids, states_of(files.values()), user_id=user_id)
    orders = await _orders(files.values(), store)
    return [_renaming(files[file_id], orders[files[file_id].order_id]) for file_id in ids]


async def _orders(files: Iterable[File], store: JobStore) -> Mapping[str, Order]:
    found = [await store.order(order_id) for order_id in sorted({file.order_id for file in files})]
    return {order.id: order for order in found if order is not None}


def _renaming(file: File, order: Order) -> Renaming:
    return Renaming(file_id=file.id, old_name=file.name, ver=file.ver, new_name=standard_name(file, order))


def standard_name(file: File, order: Order) -> str:
    """For example `20261124-AB12CD_kitchen_007_v1.jpg`; a file without room type is `unspecified`."""
    room = re.sub(r"[^a-z0-9]+", "-", (file.room_type or "").lower()).strip("-") or "unspecified"
    stem, dot, extension = file.name.rpartition(".")
    suffix = f".{extension.lower()}" if dot and stem else ""
    return f"{order.created_at:%Y%m%d}-{order.shootcode}_{room}_{file.index:03d}_v{file.ver}{suffix}"
