"""A failed job is put back as a new one, and a consumer woken for it."""

from datetime import timedelta

import pytest

from devtools.world import Move, World
from editqueue.domain.errors import BrokenPicture, JobNotFailed, JobNotFound
from editqueue.domain.jobs import EditJob
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.operator.find_job import find_job
from editqueue.use_cases.operator.retry_job import retry_job


async def retry(world: World, job_id: str) -> EditJob:
    return await retry_job(job_id, store=world.store, queue=world.queue, journal=world.journal, clock=world.clock)


async def test_the_file_gets_a_new_job_and_a_consumer_is_woken(world: World) -> None:
    [file] = await world.submitted(1)
    world.images.error = BrokenPicture("broken")
    await process_next(world.ports)
    failed = await world.job(file)

    job = await retry(world, failed.id)

    assert (job.file_id, job.status, job.attempts) == (file.id, "queued", 0)
    assert (await find_job(failed.id, store=world.store)).status == "failed"
    assert world.journal.moves[-1] == Move(job.id, None, job.status, "retry by hand")
    [message] = await world.queue.receive(limit=9, wait=timedelta(seconds=30))
    assert message.job_id == job.id


async def test_only_a_failed_job_is_put_back(world: World) -> None:
    [file] = await world.submitted(1)
    job = await world.job(file)

    with pytest.raises(JobNotFailed, match=f"job {job.id} is queued"):
        await retry(world, job.id)

    assert [job.id for job in await world.jobs()] == [job.id]
    assert await world.queue.receive(limit=9, wait=timedelta(0)) == []


async def test_an_unknown_job_is_named(world: World) -> None:
    with pytest.raises(JobNotFound, match="'nope'"):
        await retry(world, "nope")
