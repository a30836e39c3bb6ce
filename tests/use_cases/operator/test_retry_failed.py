"""Many failed jobs are put back at once, those that somebody cancelled only when they are asked for."""

from datetime import timedelta

import pytest

from devtools.seeds import NOON, claim, seed_files, seed_order, submit
from devtools.world import Move, World
from editqueue.domain.errors import BrokenPicture, JobNotFound, JobNotQueued
from editqueue.domain.files import FileStatus
from editqueue.ports.job_store import JobOfFile, JobQuery
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.operator import retry_failed as retry_failed_module
from editqueue.use_cases.operator.cancel_job import CancelledJob, cancel_job
from editqueue.use_cases.operator.retry_failed import Retryable, find_retryable, retry_failed


async def cancel(world: World, job_id: str) -> CancelledJob:
    return await cancel_job(job_id, store=world.store, journal=world.journal, clock=world.clock)


async def test_each_gets_a_new_job_and_consumers_are_woken(world: World) -> None:
    await world.submitted(3)
    world.images.error = BrokenPicture("broken")
    for _ in range(3):
        await process_next(world.ports)
    failed = (await find_retryable(JobQuery(error_code="broken_picture"), store=world.store)).jobs

    made = [
        await retry_failed(failed, store=world.store, queue=world.queue, journal=world.journal, clock=world.clock)
        for _ in range(2)
    ]

    assert [len(jobs) for jobs in made] == [3, 0]
    assert [job.file_id for job in made[0]] == [job.file_id for job in failed]
    assert world.journal.moves[-3:] == [Move(job.id, None, job.status, "retry by hand") for job in made[0]]
    messages = await world.queue.receive(limit=9, wait=timedelta(seconds=30))
    assert [message.job_id for message in messages] == [job.id for job in made[0]]


@pytest.mark.parametrize("query", [JobQuery(), JobQuery(user_id="anna")])
async def test_very_many_are_counted_page_by_page_and_no_more_than_ids_is_kept_of_each(
    world: World, query: JobQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_failed_module, "BATCH", 2)
    expected: list[JobOfFile] = []
    for user_id, error in (("anna", "full: 1"), ("anna", "full: 2"), ("bert", "away"), ("anna", "away: 3")):
        files = await seed_files(world.store, await seed_order(world.store, user_id=user_id), 1)
        await submit(world.store, files)
        taken = await claim(world.store)
        await world.store.fail(taken, error=error, message="m", file_status=FileStatus.FAILED, now=NOON)
        if query.user_id in {None, user_id}:
            expected.append(JobOfFile(id=taken.job.id, file_id=taken.file.id))

    found = await find_retryable(query, store=world.store)

    assert found.jobs == expected
    assert (found.codes, found.customers) == (
        ({"full": 2, "away": 1}, 1) if query.user_id else ({"full": 2, "away": 2}, 2)
    )


async def test_what_was_cancelled_is_put_back_only_when_it_is_asked_for(world: World) -> None:
    [file] = await world.submitted(1)
    job = (await cancel(world, (await world.job(file)).id)).job

    assert await find_retryable(JobQuery(), store=world.store) == Retryable(jobs=[], codes={}, customers=0)
    assert await find_retryable(JobQuery(error_code="cancelled"), store=world.store) == Retryable(
        jobs=[JobOfFile(id=job.id, file_id=job.file_id)], codes={"cancelled": 1}, customers=1
    )


async def test_a_job_is_cancelled_once_and_the_log_says_so_once(world: World) -> None:
    [file] = await world.submitted(1)
    job = await world.job(file)

    first, second = [await cancel(world, job.id) for _ in range(2)]

    assert (first.is_new, second.is_new, first.job) == (True, False, second.job)
    assert first.job.error == "cancelled: by hand"
    assert world.journal.causes() == ["cancel by hand"]
    [note] = await world.notes()
    assert "abgebrochen" in note.message


async def test_only_a_queued_job_is_cancelled(world: World) -> None:
    [file] = await world.submitted(1)
    await world.store.claim_next(now=world.clock.now())
    job = await world.job(file)

    with pytest.raises(JobNotQueued, match="is in progress, and its file is locked"):
        await cancel(world, job.id)
    with pytest.raises(JobNotFound, match="'nope'"):
        await cancel(world, "nope")
