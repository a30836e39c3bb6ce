"""Mark, rename, delete and approve: all or nothing, and never while a file is locked."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, Text, cast, func, select, update

from editqueue.adapters.job_store.databases.constructs import each, each_id
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import QUEUED, files, jobs
from editqueue.adapters.job_store.statements.group import Group
from editqueue.adapters.job_store.statements.row_locks import active_jobs, lock_files, to_states
from editqueue.domain.files import FileStatus
from editqueue.domain.ids import new_token
from editqueue.domain.jobs import JobStatus
from editqueue.ports.job_store import FileState, Renaming, RenamingResult


def mark_files(ids: Sequence[str], *, user_id: str, marked: bool, now: datetime) -> Group[Sequence[FileState]]:
    wanted = each_id(ids, "wanted")
    change = (
        update(files)
        .where(files.c.id.in_(select(wanted.c.key)), _all_free(ids, user_id))
        .values(marked=marked, updated_at=to_ms(now))
    )
    return _changing(ids, change)


def rename_files(renamings: Sequence[Renaming], *, user_id: str, now: datetime) -> Group[RenamingResult]:
    ids = [renaming.file_id for renaming in renamings]
    names = each({renaming.file_id: renaming.new_name for renaming in renamings}, "names")
    expected = {renaming.file_id: f"{renaming.ver}:{renaming.old_name}" for renaming in renamings}
    change = (
        update(files)
        .where(files.c.id == names.c.key, _all_free(ids, user_id), _all_as_expected(expected))
        .values(name=names.c.value, updated_at=to_ms(now))
        .returning(files.c.id)
    )
    return Group(
        statements=(lock_files(ids), active_jobs(ids), change),
        read=lambda rows: RenamingResult(done=len(rows[2]) == len(ids), seen=to_states(rows[0], rows[1])),
    )


def delete_files(ids: Sequence[str], *, user_id: str, now: datetime) -> Group[Sequence[FileState]]:
    gone = (
        update(files)
        .where(files.c.id.in_(select(each_id(ids, "wanted").c.key)), _all_free(ids, user_id))
        .values(deleted_at=to_ms(now), updated_at=to_ms(now), marked=False)
    )
    # Deleted at this very moment, by the statement above: without it, nothing matches.
    just_gone = select(files.c.id).where(
        files.c.id.in_(select(each_id(ids, "gone").c.key)), files.c.deleted_at == to_ms(now)
    )
    end = (
        update(jobs)
        .where(QUEUED, jobs.c.file_id.in_(just_gone))
        .values(status=JobStatus.FAILED.value, token=new_token(), finished_at=to_ms(now), error="file deleted")
    )
    return _changing(ids, gone, end)


def approve_file(file_id: str, *, user_id: str, now: datetime) -> Group[Sequence[FileState]]:
    change = (
        update(files)
        .where(files.c.id == file_id, _all_free([file_id], user_id), files.c.status == FileStatus.DONE.value)
        .values(approved=True, updated_at=to_ms(now))
    )
    return _changing([file_id], change)


def _changing(ids: Sequence[str], *changes: Executable) -> Group[Sequence[FileState]]:
    """The files as they were before `changes`."""
    statements = (lock_files(ids), active_jobs(ids), *changes)
    return Group(statements=statements, read=lambda rows: to_states(rows[0], rows[1]))


def _all_free(ids: Sequence[str], user_id: str) -> ColumnElement[bool]:
    """Every one of `ids` is a file of the user's, not deleted and not locked."""
    other = files.alias("other")
    wanted = each_id(ids, "counted")
    free = (other.c.user_id == user_id, other.c.deleted_at.is_(None), other.c.locked.is_(False))
    found = select(func.count()).select_from(wanted.join(other, other.c.id == wanted.c.key)).where(*free)
    return found.scalar_subquery() == len(set(ids))


def _all_as_expected(expected: Mapping[str, str]) -> ColumnElement[bool]:
    """Every file of `expected` (file id -> `ver:name`) still has that version and name."""
    other = files.alias("unchanged")
    wanted = each(expected, "expected")
    same = cast(other.c.ver, Text).concat(":").concat(other.c.name) == wanted.c.value
    found = select(func.count()).select_from(wanted.join(other, other.c.id == wanted.c.key)).where(same)
    return found.scalar_subquery() == len(expected)
