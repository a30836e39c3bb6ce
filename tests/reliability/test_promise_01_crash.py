"""Promise 1: a consumer killed at any step leaves nothing that its successor does not put right."""

import asyncio
import signal
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from editqueue.domain.files import File
from editqueue.entrypoints.consumer import Consumer
from tests.fakes import World, keys_of, make_ports, original, preview_of
from tests.reliability.crashing_consumer import TROUBLES, local_bucket
from tests.reliability.size import sized
from tests.reliability.steps import ONE_JOB
from tests.seeds import seed_files, seed_order, submit

pytestmark = pytest.mark.reliability
JOBS = sized(1, 3)
FAILING = range(sized(5, 1), 8)
"""Claim, copy and settling, before and after each, and the preview that fails; the last three in small."""
ROOT = Path(__file__).parents[2]


async def _seed(world: World, folder: Path) -> list[File]:
    bucket = local_bucket(world, folder)
    files = [*await seed_files(world.store, await seed_order(world.store), JOBS)]
    for file in files:
        await bucket.write(file.object_key, original(file), content_type="image/jpeg")
    await submit(world.store, files)
    return files


async def _crash(folder: Path, step: int, *trouble: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.reliability.crashing_consumer", str(folder), str(step), *trouble, cwd=ROOT
    )
    return await process.wait()


@pytest.mark.parametrize("step", range(1, JOBS * ONE_JOB + 1))
async def test_the_next_consumer_puts_everything_right(tmp_path: Path, step: int) -> None:
    async with make_ports(tmp_path) as world:
        files = await _seed(world, tmp_path)
        assert await _crash(tmp_path, step) == -signal.SIGKILL
        bucket = local_bucket(world, tmp_path)
        world.clock.advance(timedelta(minutes=16))

        await Consumer(ports=replace(world.ports, bucket=bucket), sweep_interval=timedelta(hours=1)).drain()

        assert {one.status for one in await world.jobs()} == {"done"}
        assert Counter(one.file_id for one in await world.notes()) == {one.id: 1 for one in files}
        for file in await world.store.files([one.id for one in files]):
            keys = keys_of(file)
            assert (file.status, file.locked) == ("done", False)
            assert await bucket.read(keys.processed) == original(file)
            assert await bucket.read(keys.preview) == preview_of(keys.raw).body


@pytest.mark.parametrize("step", FAILING)
@pytest.mark.parametrize(("trouble", "attempts"), [("broken", {1, 2}), ("away", {4})])
async def test_a_job_that_fails_does_so_once_and_in_bounds(
    tmp_path: Path, trouble: str, attempts: set[int], step: int
) -> None:
    async with make_ports(tmp_path) as world:
        files = await _seed(world, tmp_path)
        assert await _crash(tmp_path, step, trouble) == -signal.SIGKILL
        bucket = local_bucket(world, tmp_path)
        world.clock.advance(timedelta(minutes=16))
        world.images.error = TROUBLES[trouble]

        await Consumer(ports=replace(world.ports, bucket=bucket), sweep_interval=timedelta(hours=1)).drain()

        assert {one.status for one in await world.jobs()} == {"failed"}
        assert {one.attempts for one in await world.jobs()} <= attempts
        notes = [(one.file_id, one.type) for one in await world.notes()]
        assert sorted(notes) == sorted((one.id, "revision_required") for one in files)
        assert not any(one.locked or one.preview_url for one in await world.store.files([one.id for one in files]))
        assert not [one.key async for one in bucket.list("") if "/preview/" in one.key]
