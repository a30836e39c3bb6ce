"""How a group takes the rows it changes: files first, by id, then jobs, then orders.

Every group takes its rows in this one order, so that two of them wait for each other instead of deadlocking.
SQLite and D1 have one writer and ignore FOR UPDATE.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Select, select

from editqueue.adapters.job_store.databases.constructs import each_id
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.rows import to_file, to_job
from editqueue.adapters.job_store.schema import ACTIVE, files, jobs
from editqueue.domain.jobs import EditJob
from editqueue.ports.job_store import FileState


def lock_files(ids: Iterable[str]) -> Select[tuple[object, ...]]:
    """Read the files and hold their rows until the transaction ends."""
    wanted = each_id(ids)
    return select(*files.c).where(files.c.id.in_(select(wanted.c.key))).order_by(files.c.id).with_for_update(of=files)


def hold_files(ids: Iterable[str]) -> Select[tuple[object, ...]]:
    """Hold the rows as `lock_files` does, for a group that does not ask what is in them."""
    return lock_files(ids).with_only_columns(files.c.id)


def hold_file(file_id: str) -> Select[tuple[str]]:
    return select(files.c.id).where(files.c.id == file_id).with_for_update(of=files)


def active_jobs(ids: Iterable[str]) -> Select[tuple[object, ...]]:
    """The active jobs of the files `ids`."""
    wanted = each_id(ids)
    return select(*jobs.c).where(ACTIVE, jobs.c.file_id.in_(select(wanted.c.key)))


def to_states(file_rows: Rows, job_rows: Rows) -> list[FileState]:
    """What `lock_files` and `active_jobs` read, put together."""
    active: Mapping[str, EditJob] = {row["file_id"]: to_job(row) for row in job_rows}
    return [FileState(file=to_file(row), active_job=active.get(row["id"])) for row in file_rows]
