"""Approval needs a finished file; deletion ends what was only waiting."""

import pytest

from devtools.seeds import claim
from devtools.world import Move, World
from editqueue.domain.errors import FileLocked, FileNotDone, FileNotFound
from editqueue.domain.files import File
from editqueue.domain.jobs import JobStatus
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.customer.approve_file import approve_file
from editqueue.use_cases.customer.delete_files import delete_files


async def approve(world: World, file_id: str) -> None:
    await approve_file(file_id, user_id="anna", ports=world.ports)


async def delete(world: World, *files: File) -> int:
    ids = [one.id for one in files]
    return await delete_files(ids, user_id="anna", ports=world.ports)


async def test_a_finished_file_is_approved_once_or_twice(world: World) -> None:
    [file] = await world.submitted(1)
    assert await process_next(world.ports)
    await approve(world, file.id)
    await approve(world, file.id)
    assert (await world.file(file)).approved


async def test_a_file_that_is_not_finished_is_not_approved(world: World) -> None:
    [file] = await world.submitted(1)
    with pytest.raises(FileNotDone):
        await approve(world, file.id)
    await claim(world.store)
    with pytest.raises(FileLocked):
        await approve(world, file.id)
    assert not (await world.file(file)).approved


@pytest.mark.parametrize("odd", ["unknown", "\x00", "\ud800", ""])
async def test_unknown_files_are_not_approved(world: World, odd: str) -> None:
    with pytest.raises(FileNotFound):
        await approve(world, odd)


async def test_deleting_a_waiting_file_ends_its_job_in_silence(world: World) -> None:
    [file] = await world.submitted(1)
    assert await delete(world, file) == 1
    job = await world.job(file)
    assert (job.status, job.error, job.finished_at) == (JobStatus.FAILED, "file deleted", world.clock.now())
    assert world.journal.moves == [Move(job.id, JobStatus.QUEUED, JobStatus.FAILED, "file deleted")]
    assert await world.notes() == []
    assert await world.store.claim_next(now=world.clock.now()) is None


async def test_one_file_being_edited_keeps_all_of_them(world: World) -> None:
    first, second = await world.submitted(2)
    held = await claim(world.store)
    with pytest.raises(FileLocked) as caught:
        await delete(world, first, second)
    assert caught.value.ids == (held.file.id,)
    assert [(await world.file(one)).deleted_at for one in (first, second)] == [None, None]
    assert world.journal.moves == []
