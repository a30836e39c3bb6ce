"""Who may touch what: unknown is 404, somebody else's is 403, and every offending id is named."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from editqueue.domain.errors import FileLocked, FileNotFound, Forbidden, OrderNotFound, Refused
from editqueue.domain.files import File, Order
from editqueue.ports.job_store import FileState, JobStore

LONGEST_TOLD: Final = 40
"""Characters that are told of an id: one of ours has 36, an unknown one may be as long as its body."""
MOST_TOLD: Final = 10
"""Ids that are named in a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """Why some files cannot be used. Which ids it holds for is found out when a request was refused."""

    error: type[Refused]
    reason: str
    holds: Callable[[FileState], bool]


LOCKED = Rejection(
    error=FileLocked, reason="being edited right now; try again when done", holds=lambda state: state.file.locked
)


async def own_order(order_id: str, *, user_id: str, store: JobStore) -> Order:
    """The order, if it is the user's. Raises OrderNotFound or Forbidden."""
    order = await store.order(order_id) if is_plain(order_id) else None
    if order is None:
        told = order_id[:LONGEST_TOLD]
        raise OrderNotFound(f"there is no order {told!r}", ids=[told])
    if order.user_id != user_id:
        raise Forbidden(f"order {order_id!r} belongs to somebody else", ids=[order_id])
    return order


async def own_file(file_id: str, *, user_id: str, store: JobStore) -> File:
    """The file, if it is the user's and not deleted. Raises FileNotFound or Forbidden."""
    found = await store.files([file_id] if is_plain(file_id) else [])
    refuse([file_id], states_of(found), user_id=user_id)
    return found[0]


def refuse(
    ids: Sequence[str],
    seen: Sequence[FileState],
    *,
    user_id: str,
    order_id: str | None = None,
    rejections: Sequence[Rejection] = (),
) -> None:
    """Raise the gravest reason: Forbidden, then FileNotFound for what is unknown, deleted or in another order,
    then `rejections` in their order. It names every id that it holds for, and in `also` those of the other reasons.
    """
    found = [*_strangers(ids, seen, user_id=user_id, order_id=order_id)]
    named = {file_id for error in found for file_id in error.ids}
    for rejection in rejections:
        wrong = [state.file.id for state in seen if rejection.holds(state) and state.file.id not in named]
        named.update(wrong)
        if wrong:
            found.append(rejection.error(f"{_files(wrong)}: {rejection.reason}", ids=wrong))
    if found:
        gravest, *others = found
        raise type(gravest)(str(gravest), ids=gravest.ids, also={error.code: error.ids for error in others})


def states_of(files: Iterable[File]) -> Sequence[FileState]:
    """For `refuse`, where no rejection asks for the files' jobs."""
    return [FileState(file=file, active_job=None) for file in files]


def is_plain(text: str) -> bool:
    """False for ids no database should see: control characters, lone surrogates, more than 200 characters."""
    return text.isprintable() and len(text) <= 200


async def plain_ids(ids: Iterable[str], *, user_id: str, store: JobStore, order_id: str | None = None) -> Sequence[str]:
    """The ids without repetition, in order. Raises as `refuse` does if one of them cannot be an id."""
    unique = list(dict.fromkeys(ids))
    plain = [file_id for file_id in unique if is_plain(file_id)]
    if len(plain) < len(unique):
        refuse(unique, states_of(await store.files(plain)), user_id=user_id, order_id=order_id)
    return unique


def _strangers(
    ids: Sequence[str], seen: Sequence[FileState], *, user_id: str, order_id: str | None
) -> Iterable[Refused]:
    files = {state.file.id: state.file for state in seen}
    foreign = [file.id for file in files.values() if file.user_id != user_id]
    if foreign:
        yield Forbidden(f"{_files(foreign)}: somebody else's", ids=foreign)
    missing = [i for i in ids if i not in foreign and (i not in files or not _is_there(files[i], order_id))]
    if missing:
        where = f" in order {order_id!r}" if order_id else ""
        told = [file_id[:LONGEST_TOLD] for file_id in missing]
        yield FileNotFound(f"there is no file {_listed([*map(repr, told)])}{where}", ids=told)


def _is_there(file: File, order_id: str | None) -> bool:
    return file.deleted_at is None and order_id in {None, file.order_id}


def _files(ids: Sequence[str]) -> str:
    return ("file " if len(ids) == 1 else "files ") + _listed(ids)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_TOLD
    return ", ".join(names[:MOST_TOLD]) + (f" and {more} more" if more > 0 else "")
