"""What every set of image tools keeps, whatever library and process it stands on."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devtools.inline_images import Inline
from devtools.pictures.clips import clip, frames
from devtools.pictures.raws import dng, preview, sensor
from devtools.pictures.samples import decoded, encoded, heif, png, scene
from devtools.storage import folder_readers, s3_readers
from editqueue.adapters.image_tools.copy_only import CopyOnly
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.domain.errors import BrokenPicture, NotAPicture, NoToolForFormat, ObjectMissing, StorageUnavailable
from editqueue.ports.image_tools import ImageTools

SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
UNKNOWN_CAMERA = b"FUJIFILMCCD-RAW 0201" + bytes(200)


@dataclass(frozen=True, kw_only=True)
class Running:
    tools: ImageTools
    folder: Path

    def put(self, key: str, body: bytes) -> str:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return key


def inline(folder: Path) -> Inline:
    async def read(key: str) -> bytes:
        return await asyncio.to_thread(folder_readers(folder).open(key).read_all)

    return Inline(read)


def opened(kind: str, folder: Path) -> ImageTools:
    config = folder_readers(folder)
    return {"pool": lambda: WorkerPool(config), "inline": lambda: inline(folder), "copy": lambda: CopyOnly(config)}[
        kind
    ]()


@pytest.fixture(params=["pool", "inline", "copy"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    tools = opened(str(request.param), tmp_path)
    yield Running(tools=tools, folder=tmp_path)
    await tools.close()


@pytest.fixture(params=["pool", "inline"])
async def reading(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """Only those that decode."""
    tools = opened(str(request.param), tmp_path)
    yield Running(tools=tools, folder=tmp_path)
    await tools.close()


async def test_a_picture_becomes_a_small_upright_jpeg(reading: Running) -> None:
    body = encoded(scene(2000, 1000))

    preview = await reading.tools.make_preview(reading.put("user/anna/orders/1/raw/a.jpg", body))

    assert (preview.width, preview.height, preview.source_format) == (1280, 640, "jpeg")
    assert decoded(preview.body).size == (1280, 640)
    assert preview.bytes_read >= len(body)
    assert min(preview.cpu_seconds, preview.peak_rss_bytes) > 0


async def test_the_content_counts_and_not_the_name(reading: Running) -> None:
    preview = await reading.tools.make_preview(reading.put("raw/really.jpg", encoded(scene(40, 30), "PNG")))

    assert preview.source_format == "png"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (heif(scene(640, 400)), "heif-vips"),
        (dng(preview(encoded(scene(1620, 1080)))), "embedded-jpeg"),
        (dng(sensor(1400, 1000)), "libraw"),
        (clip(frames(scene(640, 360), 3)), "pyav-poster"),
    ],
    ids=["heic", "preview", "sensor", "clip"],
)
async def test_every_way_works_within_the_limits_of_a_worker(reading: Running, body: bytes, path: str) -> None:
    assert (await reading.tools.make_preview(reading.put("a.raw", body))).path == path


async def test_half_a_picture_is_broken_and_the_next_one_works(reading: Running) -> None:
    body = encoded(scene())
    half, whole = reading.put("half.jpg", body[: len(body) // 2]), reading.put("whole.jpg", body)

    with pytest.raises(BrokenPicture):
        await reading.tools.make_preview(half)

    assert (await reading.tools.make_preview(whole)).width == 1280


@pytest.mark.parametrize("body", [b"", b"only text", SVG], ids=["empty", "text", "svg"])
async def test_what_is_no_picture_is_refused(running: Running, body: bytes) -> None:
    with pytest.raises(NotAPicture):
        await running.tools.make_preview(running.put("named.jpg", body))


async def test_a_sound_file_that_no_tool_reads_gets_its_own_error(running: Running) -> None:
    with pytest.raises(NoToolForFormat, match="raf"):
        await running.tools.make_preview(running.put("a.jpg", UNKNOWN_CAMERA))


async def test_a_missing_object_is_named(running: Running) -> None:
    with pytest.raises(ObjectMissing) as caught:
        await running.tools.make_preview("raw/gone.jpg")

    assert caught.value.key == "raw/gone.jpg"


async def test_without_a_library_a_picture_is_sound_but_unread(tmp_path: Path) -> None:
    running = Running(tools=opened("copy", tmp_path), folder=tmp_path)

    with pytest.raises(NoToolForFormat, match="png"):
        await running.tools.make_preview(running.put("a.png", png(9, 9, depth=8, colour=2)))


@pytest.mark.parametrize("kind", ["pool", "copy"])
async def test_storage_that_does_not_answer_may_answer_later(kind: str) -> None:
    config = s3_readers("http://127.0.0.1:1")  # a port nobody listens on
    tools = WorkerPool(config) if kind == "pool" else CopyOnly(config)
    try:
        with pytest.raises(StorageUnavailable):
            await tools.make_preview("a.jpg")
    finally:
        await tools.close()


def test_the_consumer_itself_never_loads_libvips() -> None:
    code = "import sys, editqueue.adapters.image_tools.processes.pool; sys.exit('pyvips' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
