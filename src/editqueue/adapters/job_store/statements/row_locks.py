"""How a group takes the rows it changes: files first, by id, then jobs, then orders.

Every group takes its rows in this one order, so that two of them wait for each other instead of deadlocking.
SQLite and D1 have one writer and ignore FOR UPDATE.
"""

from collections.abc import Iterable, Mapping
from functools import cache

from sqlalchemy import Select, select

from editqueue.adapters.job_store.databases.constructs import among, given_text, ids_as_json
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import to_file, to_job
from editqueue.adapters.job_store.schema import ACTIVE, FILE_COLUMNS, files, jobs, orders
from editqueue.domain.jobs import EditJob
from editqueue.ports.job_store import FileState


def lock_files(ids: Iterable[str]) -> Statement:
    """Read the files and hold their rows until the transaction ends."""
    return _lock_files().bind(ids=ids_as_json(ids))


@cache
def _lock_files() -> Template:
    return Template(_locked_files())


def hold_files(ids: Iterable[str]) -> Statement:
    """Hold the rows as `lock_files` does, for a group that does not ask what is in them."""
    return _hold_files().bind(ids=ids_as_json(ids))


@cache
def _hold_files() -> Template:
    return Template(_locked_files().with_only_columns(files.c.id))


def _locked_files() -> Select[tuple[object, ...]]:
    return select(*FILE_COLUMNS).where(among(files.c.id)).order_by(files.c.id).with_for_update(of=files)


def hold_file(file_id: str) -> Statement:
    return _hold_file().bind(file_id=file_id)


@cache
def _hold_file() -> Template:
    return Template(select(files.c.id).where(files.c.id == given_text("file_id")).with_for_update(of=files))


def hold_order(order_id: str) -> Statement:
    """Hold the row of the order. Rows may still be added that refer to it."""
    return _hold_order().bind(order_id=order_id)


@cache
def _hold_order() -> Template:
    held = select(orders.c.id).where(orders.c.id == given_text("order_id"))
    return Template(held.with_for_update(of=orders, key_share=True))


def active_jobs(ids: Iterable[str]) -> Statement:
    """The active jobs of the files `ids`."""
    return _active_jobs().bind(ids=ids_as_json(ids))


@cache
def _active_jobs() -> Template:
    return Template(select(*jobs.c).where(ACTIVE, among(jobs.c.file_id)))


def to_states(file_rows: Rows, job_rows: Rows) -> list[FileState]:
    """What `lock_files` and `active_jobs` read, put together."""
    active: Mapping[str, EditJob] = {row["file_id"]: to_job(row) for row in job_rows}
    return [FileState(file=to_file(row), active_job=active.get(row["id"])) for row in file_rows]
