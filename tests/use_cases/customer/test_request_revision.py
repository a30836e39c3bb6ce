"""Another round: when a file may go back, and what becomes of its job."""

from collections.abc import Awaitable, Callable

import pytest

from devtools.seeds import claim, seed_files, seed_order
from devtools.world import Move, World
from editqueue.domain.errors import FileLocked, FileNotDone, FileNotFound, Forbidden, JobActive, RawMissing, Refused
from editqueue.domain.files import File, FileStatus
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.customer.request_revision import request_revision

State = Callable[[World], Awaitable[File]]


async def uploaded(world: World) -> File:
    [file] = await seed_files(world.store, await seed_order(world.store), 1)
    return file


async def queued(world: World) -> File:
    [file] = await world.submitted(1)
    return file


async def in_progress(world: World) -> File:
    file = await queued(world)
    await claim(world.store)
    return file


async def done(world: World) -> File:
    file = await queued(world)
    assert await process_next(world.ports)
    return file


async def failed(world: World) -> File:
    file = await queued(world)
    await _fail(world, FileStatus.FAILED)
    return file


async def without_raw(world: World) -> File:
    """Back to queued, its job failed: the RAW was missing."""
    file = await queued(world)
    await _fail(world, FileStatus.QUEUED)
    return file


async def deleted(world: World) -> File:
    file = await done(world)
    await world.store.delete_files([file.id], user_id="anna", now=world.clock.now())
    return file


async def _fail(world: World, status: FileStatus) -> None:
    taken = await claim(world.store)
    await world.store.fail(taken, error=RawMissing.code, message="{name}", file_status=status, now=world.clock.now())


async def revise(world: World, file_id: str, *, user_id: str = "anna") -> EditJob:
    return await request_revision(file_id, note="Heller, bitte.", user_id=user_id, ports=world.ports)


@pytest.mark.parametrize("state", [done, failed, without_raw])
async def test_a_file_that_came_to_an_end_goes_back_with_its_note(world: World, state: State) -> None:
    file = await state(world)
    job = await revise(world, file.id)
    assert (job.status, job.note, job.file_id) == (JobStatus.QUEUED, "Heller, bitte.", file.id)
    again = await world.file(file)
    assert (again.status, again.ver, again.approved) == (FileStatus.QUEUED, file.ver + 1, False)
    assert world.journal.moves[-1] == Move(job.id, None, JobStatus.QUEUED, "revision")


@pytest.mark.parametrize(
    ("state", "error"),
    [(uploaded, FileNotDone), (queued, JobActive), (in_progress, FileLocked), (deleted, FileNotFound)],
)
async def test_any_other_file_stays_as_it_is(world: World, state: State, error: type[Refused]) -> None:
    file = await state(world)
    before, jobs = await world.file(file), await world.jobs()
    with pytest.raises(error) as caught:
        await revise(world, file.id)
    assert caught.value.ids == (file.id,)
    assert (await world.file(file), await world.jobs()) == (before, jobs)


@pytest.mark.parametrize("state", [uploaded, queued, in_progress, done, deleted])
async def test_strangers_learn_nothing_of_the_state(world: World, state: State) -> None:
    file = await state(world)
    with pytest.raises(Forbidden):
        await revise(world, file.id, user_id="ben")


@pytest.mark.parametrize("odd", ["unknown", "\x00", "\ud800", ""])
async def test_unknown_files_cannot_go_back(world: World, odd: str) -> None:
    with pytest.raises(FileNotFound) as caught:
        await revise(world, odd)
    assert caught.value.ids == (odd,)
