"""The hostile set of the study: each ends in time, as its own fault, and the worker has room left for the next."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devtools.pictures.bombs import BOMBS, claiming
from devtools.pictures.samples import encoded, scene
from devtools.storage import folder_readers
from editqueue.adapters.image_tools.processes.limits import WorkerLimits
from editqueue.adapters.image_tools.processes.pool import WorkerPool

LIMITS = WorkerLimits()


@pytest.fixture(name="pool")
async def _pool(tmp_path: Path) -> AsyncIterator[WorkerPool]:
    (tmp_path / "next.jpg").write_bytes(encoded(scene(640, 400)))
    pool = WorkerPool(folder_readers(tmp_path))
    yield pool
    await pool.close()


async def ends_within_its_time(pool: WorkerPool, name: str) -> BaseException | None:
    started = time.monotonic()
    [ended] = await asyncio.gather(pool.make_preview(name), return_exceptions=True)
    assert time.monotonic() - started < LIMITS.wall_seconds + 5
    return ended if isinstance(ended, BaseException) else None


async def test_every_hostile_file_ends_as_its_own_fault_and_the_next_one_works(
    pool: WorkerPool, tmp_path: Path
) -> None:
    for name, (make, endings) in BOMBS.items():
        (tmp_path / name).write_bytes(make())

        error = await ends_within_its_time(pool, name)

        assert isinstance(error, endings), f"{name}: {error!r}"
        after = await pool.make_preview("next.jpg")
        assert after.width == 640
        assert after.cost.peak_rss_bytes < LIMITS.memory_bytes, name


async def test_a_jpeg_that_lacks_most_of_its_pixels_costs_no_more_than_a_whole_one(
    pool: WorkerPool, tmp_path: Path
) -> None:
    """libjpeg only warns where data ends at a marker; to fail on warnings would refuse sound files of phones."""
    (tmp_path / "most.jpg").write_bytes(claiming(encoded(scene()), 16_000, 16_000))

    await ends_within_its_time(pool, "most.jpg")

    assert (await pool.make_preview("next.jpg")).cost.peak_rss_bytes < LIMITS.memory_bytes
