"""The limits of the image workers are settings, and `preview` keeps them as the consumer does."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

from devtools.installation import OURS, Installation
from devtools.pictures.clips import clip, frames
from devtools.pictures.samples import decoded, encoded, scene
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.processes.limits import WorkerLimits
from editqueue.domain.errors import ObjectMissing
from editqueue.settings import load_settings
from editqueue.wiring.server import object_readers, open_bucket, open_server, worker_limits
from tests.adapters.image_tools.processes.test_pool import workers

S3 = {
    "EDITQUEUE_BUCKET_URL": "s3://media",
    "EDITQUEUE_S3_ENDPOINT": "http://127.0.0.1:8333",
    "R2_ACCESS_KEY_ID": "key",
    "R2_SECRET_ACCESS_KEY": "hidden",
}


@pytest.fixture(name="environment")
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EDITQUEUE_DATA_DIR", str(tmp_path / "data"))
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_without_settings_the_limits_are_those_of_the_workers_themselves() -> None:
    assert worker_limits(load_settings()) == WorkerLimits()


def test_every_limit_is_a_setting(environment: pytest.MonkeyPatch) -> None:
    given = {
        "MEMORY": "1024", "TIMEOUT": "12.5", "CPU": "9", "JOBS": "7",
        "MEGAPIXELS": "1", "MEGAPIXELS_WHOLE": "2", "MEGAPIXELS_HEIF": "3", "MEGAPIXELS_CLIP": "4",
    }  # fmt: skip
    for name, value in given.items():
        environment.setenv(f"EDITQUEUE_IMAGE_{name}", value)

    assert worker_limits(load_settings()) == WorkerLimits(
        memory_bytes=1024**3,
        wall_seconds=12.5,
        cpu_seconds=9,
        jobs_per_worker=7,
        pixels=PixelLimits(streamed=1_000_000, whole=2_000_000, heif=3_000_000, clip=4_000_000),
    )


@pytest.mark.parametrize("job_timeout", [5, 60, 300, 600])
def test_waiting_for_the_storage_ends_before_the_job_does(environment: pytest.MonkeyPatch, job_timeout: int) -> None:
    for name, value in (S3 | {"EDITQUEUE_JOB_TIMEOUT": str(job_timeout)}).items():
        environment.setenv(name, value)

    settings = load_settings()
    bucket, _ = open_bucket(settings)
    assert object_readers(settings, bucket).longest <= timedelta(seconds=job_timeout) * 0.8


def test_a_picture_over_the_limit_of_the_setting_is_refused(tmp_path: Path) -> None:
    here = Installation(tmp_path / "data", {"EDITQUEUE_IMAGE_MEGAPIXELS": "1"})
    source, target = tmp_path / "in.jpg", tmp_path / "out.jpg"
    source.write_bytes(encoded(scene(1400, 1000)))

    told = here.run("preview", str(source), str(target)).complaint()

    assert "over_limit" in told
    assert str(source) in told
    assert not target.exists()


def test_preview_tells_how_it_was_made(tmp_path: Path) -> None:
    source, target = tmp_path / "in.bin", tmp_path / "out.jpg"
    source.write_bytes(clip(frames(scene(640, 368), 3)))

    told = Installation(tmp_path / "data").run("preview", str(source), str(target), "--json").json()

    assert list(told) == [
        "width", "height", "source_format", "path", "bytes_read", "cpu_seconds", "peak_rss_bytes",
        "seconds", "bytes_in", "bytes_written",
    ]  # fmt: skip
    assert (told["source_format"], told["path"], told["width"], told["height"]) == ("mp4", "pyav-poster", 640, 368)
    assert told["bytes_read"] == told["bytes_in"] == source.stat().st_size
    assert told["bytes_written"] == target.stat().st_size
    assert told["peak_rss_bytes"] > 10_000_000
    assert told["cpu_seconds"] > 0
    assert 0 < told["seconds"] < 60
    assert decoded(target.read_bytes()).size == (640, 368)


async def test_as_many_image_workers_as_jobs_at_a_time(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EDITQUEUE_CONCURRENCY", "3")
    async with open_server(load_settings()) as server:
        jobs = [server.ports.images.make_preview("gone.jpg") for _ in range(4)]
        ended = await asyncio.gather(*jobs, return_exceptions=True)

        assert [type(error) for error in ended] == [ObjectMissing] * 4
        assert len(workers()) == 3
