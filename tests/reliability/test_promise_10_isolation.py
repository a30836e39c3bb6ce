"""Promise 10: one hostile file, row, message or service harms nobody else, and nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from devtools.world import World, keys_of, original, preview_of
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.adapters.job_store.schema import files as file_table
from editqueue.domain.errors import (
    BrokenPicture,
    ImageWorkerDied,
    NotAPicture,
    ObjectMissing,
    OverLimit,
    StorageUnavailable,
)
from editqueue.domain.files import File
from editqueue.domain.jobs import JobStatus
from editqueue.entrypoints.consumer import Consumer
from editqueue.ports import Ports
from editqueue.ports.job_queue import Message, Redelivery
from tests.reliability.size import sized
from tests.reliability.steps import ONE_JOB, Steps

pytestmark = pytest.mark.reliability
JOBS = sized(5, 100)
OUTAGE = timedelta(seconds=60)
Trouble = Callable[[str], Exception | None]
"""What a call that concerns a key raises, if anything."""


class Unreliable:
    """A port of which every call asks `trouble` about its first argument before it does its work."""

    def __init__(self, inner: Any, trouble: Trouble, *methods: str) -> None:
        self._inner = inner
        self._trouble = trouble
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._guarded(found) if name in self._methods else found

    def _guarded(self, work: Callable[..., Any]) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            error = self._trouble(str(args[0]) if args else "")
            if error is not None:
                raise error
            return await work(*args, **kwargs)

        return call


class Delivered:
    """A queue that delivers what it was given, then says that it is empty."""

    idle_poll = timedelta(hours=1)

    def __init__(self, messages: Sequence[Message]) -> None:
        self._waiting = [*messages]
        self.done: list[Message] = []
        self.empty = asyncio.Event()

    async def send(self, job_ids: Sequence[str]) -> None: ...

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        if not self._waiting:
            self.empty.set()
            return []
        return [self._waiting.pop(0)]

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None:
        self.done += done

    async def close(self) -> None: ...


class JustInTime:
    """A bucket that fails every file as often as its retries allow: twice at the copy, once at the preview."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._failed = Counter[str]()

    def __call__(self, key: str) -> Exception | None:
        if self._failed[key] == (2 if "/raw/" in key else 1):
            return None
        self._failed[key] += 1
        return self._error


class Gone:
    """A database nobody can reach from `start` on, for OUTAGE."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.since: datetime | None = None

    async def start(self) -> None:
        self.since = self._world.clock.now()

    def __call__(self, _key: str) -> Exception | None:
        gone = self.since is not None and self._world.clock.now() - self.since < OUTAGE
        return StorageUnavailable("database: connection refused") if gone else None


async def _drain(ports: Ports) -> None:
    await Consumer(ports=ports, sweep_interval=timedelta(hours=1)).drain()


async def _assert_done(world: World, files: Sequence[File]) -> None:
    told = [one.file_id for one in await world.notes()]
    for file in files:
        after, keys = await world.file(file), keys_of(file)
        assert (after.status, after.locked) == ("done", False)
        assert await world.bucket.read(keys.processed) == original(file)
        assert await world.bucket.read(keys.preview) == preview_of(keys.raw).body
        assert told.count(file.id) == 1


async def _assert_failed(world: World, file: File, *, attempts: int) -> None:
    after, job = await world.file(file), await world.job(file)
    assert (job.status, job.attempts) == ("failed", attempts)
    assert (after.locked, after.preview_url) == (False, None)
    assert [one.type for one in await world.notes() if one.file_id == file.id] == ["revision_required"]


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (BrokenPicture("kaputt"), 1),
        (NotAPicture("ein Programm"), 1),
        (OverLimit("100000 x 100000"), 1),
        (ImageWorkerDied("signal 9"), 4),
        (RecursionError("too deep"), 4),
        (MemoryError(), 4),
    ],
)
async def test_a_hostile_file_harms_no_other(world: World, error: Exception, attempts: int) -> None:
    hostile, *others = await world.submitted(JOBS)
    world.images.errors[hostile.object_key] = error

    await _drain(world.ports)

    await _assert_done(world, others)
    await _assert_failed(world, hostile, attempts=attempts)
    assert keys_of(hostile).preview not in await world.objects()


async def test_a_row_whose_object_key_is_none_of_ours_harms_no_other(world: World, database_url: str) -> None:
    strange, *others = await world.submitted(JOBS)
    database = open_database(database_url)
    moved = update(file_table).where(file_table.c.id == strange.id).values(object_key="../../etc/passwd")
    await database.run(once(moved))
    await database.close()
    before = await world.objects()

    await _drain(world.ports)

    await _assert_done(world, others)
    await _assert_failed(world, strange, attempts=4)
    made = {key for one in others for key in (keys_of(one).processed, keys_of(one).preview)}
    assert set(await world.objects()) == set(before) | made


async def test_messages_nobody_can_read_harm_no_other(world: World) -> None:
    files = await world.submitted(JOBS)
    unknown = [Message(job_id=one, receipt="r") for one in (None, "", "no-such-job", "'; DROP TABLE jobs")]
    queue = Delivered(unknown)
    ports = replace(world.ports, queue=queue)
    worker = Consumer(ports=ports, sweep_interval=timedelta(hours=1), stop=queue.empty)
    await worker.run()

    await _drain(world.ports)

    await _assert_done(world, files)
    assert [one.job_id for one in queue.done] == [one.job_id for one in unknown]


@pytest.mark.parametrize(
    "error",
    [StorageUnavailable("503"), StorageUnavailable("body cut short"), TimeoutError("read timed out"), OSError("reset")],
)
async def test_a_bucket_that_is_away_for_one_file_harms_no_other(world: World, error: Exception) -> None:
    unlucky, *others = await world.submitted(JOBS)
    bucket: Any = Unreliable(world.bucket, lambda key: error if key == unlucky.object_key else None, "copy")

    await _drain(replace(world.ports, bucket=bucket))

    await _assert_done(world, others)
    await _assert_failed(world, unlucky, attempts=4)


@pytest.mark.parametrize("error", [StorageUnavailable("503"), TimeoutError("read timed out")])
async def test_a_bucket_that_fails_now_and_then_loses_nothing(world: World, error: Exception) -> None:
    files = await world.submitted(JOBS)
    bucket: Any = Unreliable(world.bucket, JustInTime(error), "copy", "write")

    await _drain(replace(world.ports, bucket=bucket))

    await _assert_done(world, files)
    assert {one.attempts for one in await world.jobs()} == {4}


async def test_an_original_that_is_gone_harms_no_other(world: World) -> None:
    missing, *others = await world.submitted(JOBS)
    bucket: Any = Unreliable(
        world.bucket, lambda key: ObjectMissing(key) if key == missing.object_key else None, "copy"
    )

    await _drain(replace(world.ports, bucket=bucket))

    await _assert_done(world, others)
    await _assert_failed(world, missing, attempts=1)
    assert (await world.file(missing)).status == "queued"


@pytest.mark.parametrize("number", range(1, ONE_JOB + 1))
async def test_a_database_that_is_gone_for_a_minute_costs_no_job_and_no_attempt(world: World, number: int) -> None:
    files = await world.submitted(3)
    gone = Gone(world)
    store: Any = Unreliable(
        world.store, gone, "claim_next", "finish", "fail", "retry_later", "has_work", "rescue", "begin_expiry"
    )

    await _drain(Steps(number, gone.start).around(replace(world.ports, store=store)))

    assert gone.since is not None
    assert world.clock.now() - gone.since >= OUTAGE
    await _assert_done(world, files)
    assert {(one.status, one.attempts) for one in await world.jobs()} == {(JobStatus.DONE, 1)}
    assert len(world.images.calls) == len(files)
