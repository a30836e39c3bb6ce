"""What an attempt tells of itself when it is over: from this come metrics and traces."""

import asyncio
from datetime import timedelta

import pytest

from devtools.seeds import NOON
from devtools.world import World, original
from editqueue.domain.errors import BrokenPicture, GroundLost, NoToolForFormat, StorageUnavailable
from editqueue.ports.journal import Course, PreviewMade, Stage
from editqueue.use_cases.consumer.process_job import process_next


def stages(course: Course) -> dict[Stage, str | None]:
    """Each that was begun, with what it failed by."""
    assert len({time.stage for time in course.stages}) == len(course.stages)
    return {time.stage: time.error for time in course.stages}


async def test_a_job_that_is_done_tells_of_every_stage_and_its_preview(world: World) -> None:
    [file] = await world.submitted(1)
    submitted_at = (await world.job(file)).created_at
    world.clock.advance(timedelta(seconds=7))

    await process_next(world.ports)

    [course] = world.journal.attempts
    assert stages(course) == dict.fromkeys(Stage)
    assert (course.result, course.error, course.bytes_copied) == ("done", None, len(original(file)))
    assert course.began == NOON + timedelta(seconds=7)
    assert course.waited == (course.began - submitted_at).total_seconds() >= 7
    preview = await world.images.make_preview(file.keys.raw)
    assert course.preview == PreviewMade(
        source_format=preview.source_format, path=preview.path, body_bytes=len(preview.body)
    )


async def test_no_stage_lasts_longer_than_the_attempt(world: World) -> None:
    await world.submitted(1)

    await process_next(world.ports)

    [course] = world.journal.attempts
    assert all(0 <= time.began <= time.began + time.seconds <= course.seconds for time in course.stages)


async def test_a_job_that_comes_again_has_waited_since_it_might_run(world: World) -> None:
    await world.submitted(1)
    world.images.error = StorageUnavailable("away")
    await process_next(world.ports)
    world.images.error = None
    world.clock.advance(timedelta(seconds=100))

    await process_next(world.ports)

    first, second = world.journal.attempts
    assert (first.result, first.error) == ("retry", "storage_unavailable: away")
    assert 80 <= second.waited <= 100 - 15 * 0.8  # the first retry comes after 15 s, 20 % more or less


async def test_what_broke_is_told_with_its_stage(world: World) -> None:
    await world.submitted(1)
    world.images.error = BrokenPicture("half a file")

    await process_next(world.ports)

    [course] = world.journal.attempts
    assert stages(course) == {Stage.CLAIM: None, Stage.COPY: None, Stage.PREVIEW: "broken_picture", Stage.SETTLE: None}
    assert (course.result, course.error, course.preview) == ("failed", "broken_picture: half a file", None)


async def test_a_placeholder_is_told_as_one(world: World) -> None:
    [file] = await world.submitted(1)
    world.images.error = NoToolForFormat("nobody reads it")

    await process_next(world.ports)

    [course] = world.journal.attempts
    assert course.result == "done"
    assert course.preview == PreviewMade(source_format=None, path="placeholder", body_bytes=len(original(file)))
    assert stages(course)[Stage.PREVIEW] == "no_tool_for_format"


async def test_an_attempt_that_is_cut_off_tells_how_far_it_came(world: World) -> None:
    await world.submitted(1)
    world.images.gate = asyncio.Event()
    working = asyncio.create_task(process_next(world.ports))
    await world.images.entered.wait()

    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    [course] = world.journal.attempts
    assert (course.result, course.error, course.bytes_copied) == ("handed_back", None, 0)
    assert stages(course).keys() >= {Stage.CLAIM, Stage.PREVIEW, Stage.SETTLE}


async def test_an_attempt_whose_ground_went_away_says_what_is_away(world: World) -> None:
    await world.submitted(1)
    world.images.error = StorageUnavailable("cut off")
    world.images.lost = StorageUnavailable("no image process")

    with pytest.raises(GroundLost):
        await process_next(world.ports)

    [course] = world.journal.attempts
    assert course.result == "handed_back"
    assert "no image process" in str(course.error)


async def test_nothing_is_told_where_no_job_was(world: World) -> None:
    await process_next(world.ports)

    assert world.journal.attempts == []
