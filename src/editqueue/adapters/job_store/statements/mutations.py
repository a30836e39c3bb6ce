"""Mark, rename, delete and approve: all or nothing, and never while a file is locked."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Text, cast, func, select, update

from editqueue.adapters.job_store.databases.database import each, each_id, to_ms
from editqueue.adapters.job_store.schema import QUEUED, files, jobs
from editqueue.adapters.job_store.statements.store_base import StoreBase, active_jobs, lock_files, to_states
from editqueue.domain.files import FileStatus
from editqueue.domain.ids import new_token
from editqueue.domain.jobs import JobStatus
from editqueue.ports.job_store import FileState, Renaming


class MutationStatements(StoreBase):
    async def mark_files(self, ids: Sequence[str], *, user_id: str, marked: bool, now: datetime) -> Sequence[FileState]:
        wanted = each_id(ids, "wanted")
        change = (
            update(files)
            .where(files.c.id.in_(select(wanted.c.key)), _all_free(ids, user_id))
            .values(marked=marked, updated_at=to_ms(now))
        )
        seen, active, _ = await self._database.run(lock_files(ids), active_jobs(ids), change)
        return to_states(seen, active)

    async def rename_files(
        self, renamings: Sequence[Renaming], *, user_id: str, now: datetime
    ) -> tuple[bool, Sequence[FileState]]:
        ids = [one.file_id for one in renamings]
        names = each({one.file_id: one.new_name for one in renamings}, "names")
        expected = {one.file_id: f"{one.ver}:{one.old_name}" for one in renamings}
        change = (
            update(files)
            .where(
                files.c.id == names.c.key,
                _all_free(ids, user_id),
                _all_as_expected(expected),
            )
            .values(name=names.c.value, updated_at=to_ms(now))
            .returning(files.c.id)
        )
        seen, active, changed = await self._database.run(lock_files(ids), active_jobs(ids), change)
        return len(changed) == len(ids), to_states(seen, active)

    async def delete_files(self, ids: Sequence[str], *, user_id: str, now: datetime) -> Sequence[FileState]:
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
        seen, active, *_ = await self._database.run(lock_files(ids), active_jobs(ids), gone, end)
        return to_states(seen, active)

    async def approve_file(self, file_id: str, *, user_id: str, now: datetime) -> FileState | None:
        change = (
            update(files)
            .where(
                files.c.id == file_id,
                _all_free([file_id], user_id),
                files.c.status == FileStatus.DONE.value,
            )
            .values(approved=True, updated_at=to_ms(now))
        )
        seen, active, _ = await self._database.run(lock_files([file_id]), active_jobs([file_id]), change)
        return next(iter(to_states(seen, active)), None)


def _all_free(ids: Sequence[str], user_id: str) -> ColumnElement[bool]:
    """Every one of `ids` is a file of the user's, not deleted and not locked."""
    other = files.alias("other")
    wanted = each_id(ids, "counted")
    free = (other.c.user_id == user_id, other.c.deleted_at.is_(None), other.c.locked.is_(False))
    found = select(func.count()).select_from(wanted.join(other, other.c.id == wanted.c.key)).where(*free)
    return found.scalar_subquery() == len(set(ids))


def _all_as_expected(expected: Mapping[str, str]) -> ColumnElement[bool]:
    other = files.alias("unchanged")
    wanted = each(expected, "expected")
    same = cast(other.c.ver, Text).concat(":").concat(other.c.name) == wanted.c.value
    return (
        select(func.count()).select_from(wanted.join(other, other.c.id == wanted.c.key)).where(same)
    ).scalar_subquery() == len(expected)
