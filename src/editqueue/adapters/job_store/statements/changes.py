"""Mark, rename, delete and approve: all or nothing, and never while a file is locked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Text, case, cast, func, select, update

from editqueue.adapters.job_store.databases.constructs import (
    among,
    as_json,
    each,
    given_number,
    given_text,
    given_time,
    given_truth,
    ids_as_json,
)
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import QUEUED, files, jobs
from editqueue.adapters.job_store.statements.group import Group
from editqueue.adapters.job_store.statements.row_locks import active_jobs, lock_files, to_states
from editqueue.domain.files import FileStatus
from editqueue.domain.ids import new_token
from editqueue.domain.jobs import JobStatus
from editqueue.ports.job_store import FileState, Renaming, RenamingResult


def mark_files(ids: Sequence[str], *, user_id: str, marked: bool, now: datetime) -> Group[Sequence[FileState]]:
    return _changing(ids, _mark().bind(**_wanted(ids, user_id), marked=marked, now=to_ms(now)))


@cache
def _mark() -> Template:
    return Template(
        update(files)
        .where(among(files.c.id), _all_free())
        .values(marked=given_truth("marked"), updated_at=given_time())
    )


def rename_files(renamings: Sequence[Renaming], *, user_id: str, now: datetime) -> Group[RenamingResult]:
    ids = [renaming.file_id for renaming in renamings]
    change = _rename().bind(
        **_wanted(ids, user_id),
        names=as_json({renaming.file_id: renaming.new_name for renaming in renamings}),
        expected=as_json({renaming.file_id: f"{renaming.ver}:{renaming.old_name}" for renaming in renamings}),
        now=to_ms(now),
    )
    return Group(
        statements=(lock_files(ids), active_jobs(ids), change),
        read=lambda rows: RenamingResult(done=len(rows[2]) == len(ids), seen=to_states(rows[0], rows[1])),
    )


@cache
def _rename() -> Template:
    names = each("names", "names")
    return Template(
        update(files)
        .where(files.c.id == names.c.key, _all_free(), _all_as_expected())
        .values(name=names.c.value, updated_at=given_time())
        .returning(files.c.id)
    )


def delete_files(ids: Sequence[str], *, user_id: str, now: datetime) -> Group[Sequence[FileState]]:
    gone = _delete().bind(**_wanted(ids, user_id), now=to_ms(now))
    end = _end_jobs_of_deleted().bind(ids=ids_as_json(ids), token=new_token(), now=to_ms(now))
    return _changing(ids, gone, end)


@cache
def _delete() -> Template:
    return Template(
        update(files)
        .where(among(files.c.id), _all_free())
        .values(deleted_at=given_time(), updated_at=given_time(), marked=False, finished_at=_retained_from())
    )


def _retained_from() -> ColumnElement[int | None]:
    """An attempt that did not end its job may have left objects; of a file that was never sent off there are none."""
    sent_off = case((files.c.status != FileStatus.UPLOADED.value, given_time()))
    return func.coalesce(files.c.finished_at, sent_off)


@cache
def _end_jobs_of_deleted() -> Template:
    # Deleted at this very moment, by the statement before: without it, nothing matches.
    just_gone = select(files.c.id).where(among(files.c.id), files.c.deleted_at == given_time())
    return Template(
        update(jobs)
        .where(QUEUED, jobs.c.file_id.in_(just_gone))
        .values(
            status=JobStatus.FAILED.value, token=given_text("token"), finished_at=given_time(), error="file deleted"
        )
    )


def approve_file(file_id: str, *, user_id: str, now: datetime) -> Group[Sequence[FileState]]:
    return _changing([file_id], _approve().bind(**_wanted([file_id], user_id), file_id=file_id, now=to_ms(now)))


@cache
def _approve() -> Template:
    return Template(
        update(files)
        .where(files.c.id == given_text("file_id"), _all_free(), files.c.status == FileStatus.DONE.value)
        .values(approved=True, updated_at=given_time())
    )


def _changing(ids: Sequence[str], *changes: Statement) -> Group[Sequence[FileState]]:
    """The files as they were before `changes`."""
    statements = (lock_files(ids), active_jobs(ids), *changes)
    return Group(statements=statements, read=lambda rows: to_states(rows[0], rows[1]))


def _wanted(ids: Sequence[str], user_id: str) -> Mapping[str, object]:
    """The values that `_all_free` and `_all_as_expected` ask for."""
    return {"ids": ids_as_json(ids), "total": len(set(ids)), "user_id": user_id}


def _all_free() -> ColumnElement[bool]:
    """Every one of `ids` is a file of the user's, not deleted and not locked."""
    other = files.alias("other")
    wanted = each("ids", "counted")
    free = (other.c.user_id == given_text("user_id"), other.c.deleted_at.is_(None), other.c.locked.is_(False))
    found = select(func.count()).select_from(wanted.join(other, other.c.id == wanted.c.key)).where(*free)
    return found.scalar_subquery() == given_number("total")


def _all_as_expected() -> ColumnElement[bool]:
    """Every file of `expected` (file id -> `ver:name`) still has that version and name."""
    other = files.alias("unchanged")
    wanted = each("expected", "expected")
    same = cast(other.c.ver, Text).concat(":").concat(other.c.name) == wanted.c.value
    found = select(func.count()).select_from(wanted.join(other, other.c.id == wanted.c.key)).where(same)
    return found.scalar_subquery() == given_number("total")
