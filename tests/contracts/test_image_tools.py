"""What every set of image tools keeps, whatever library, process or service it stands on."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from obstore import head_async
from obstore.store import LocalStore

from devtools.cloudflare.host import Cloudflare
from devtools.cloudflare.isolate import Isolate
from devtools.inline_images import Inline
from devtools.pictures.clips import clip, frames
from devtools.pictures.raws import Directory, dng, preview, sensor
from devtools.pictures.samples import decoded, difference, encoded, heif, png, scene, upright, with_exif
from devtools.storage import folder_readers, s3_readers
from editqueue.adapters.image_tools.cloudflare.images import BindingImages, ImagesBinding
from editqueue.adapters.image_tools.copy_only import CopyOnly
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.domain.errors import BrokenPicture, NotAPicture, NoToolForFormat, ObjectMissing, StorageUnavailable
from editqueue.domain.preview_spec import LONG_EDGE
from editqueue.ports.bucket import ObjectInfo, StoredObject, Waiting
from editqueue.ports.image_tools import ImageTools, Preview

SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
UNKNOWN_CAMERA = b"FUJIFILMCCD-RAW 0201" + bytes(200)
ON_A_SERVER = ("pool", "inline")


@dataclass(frozen=True, kw_only=True)
class Running:
    tools: ImageTools
    put: Callable[[str, bytes], Awaitable[None]]
    etag: Callable[[str], Awaitable[str | None]]
    """Of the object at a key."""

    async def preview_of(self, body: bytes, key: str = "raw/a.bin") -> Preview:
        await self.put(key, body)
        return await self.tools.make_preview(key)


@asynccontextmanager
async def opened(kind: str, request: pytest.FixtureRequest, folder: Path) -> AsyncGenerator[Running]:
    if kind == "cloudflare":
        async with on_cloudflare(request.getfixturevalue("cloudflare")) as running:
            yield running
        return

    async def put(key: str, body: bytes) -> None:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    async def read(key: str) -> bytes:
        source = readers.open(key)
        return await asyncio.to_thread(lambda: source.read(0, source.size()))

    async def etag(key: str) -> str | None:
        return (await head_async(LocalStore(folder), key))["e_tag"]

    readers = folder_readers(folder)
    tools = Inline(read) if kind == "inline" else {"pool": WorkerPool, "copy": CopyOnly}[kind](readers)
    yield Running(tools=tools, put=put, etag=etag)
    await tools.close()


@asynccontextmanager
async def on_cloudflare(there: Cloudflare) -> AsyncGenerator[Running]:
    async with there.client() as http:
        isolate, written = Isolate(http), list[str]()

        async def put(key: str, body: bytes) -> None:
            written.append(key)
            await isolate.bucket.write(key, body, content_type="application/octet-stream")

        async def etag(key: str) -> str | None:
            return (await isolate.bucket.head(key)).etag

        yield Running(tools=isolate.images, put=put, etag=etag)
        await isolate.bucket.delete(written)


@pytest.fixture(params=[*ON_A_SERVER, "copy", "cloudflare"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    async with opened(str(request.param), request, tmp_path) as running:
        yield running


@pytest.fixture(params=[*ON_A_SERVER, "cloudflare"])
async def reading(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """Only those that make previews."""
    async with opened(str(request.param), request, tmp_path) as running:
        yield running


@pytest.fixture(params=ON_A_SERVER)
async def decoding(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """Only those that decode every format themselves."""
    async with opened(str(request.param), request, tmp_path) as running:
        yield running


async def test_a_picture_becomes_a_small_jpeg(reading: Running) -> None:
    body = encoded(scene(2000, 1000))

    preview = await reading.preview_of(body, "user/anna/orders/1/raw/a.jpg")

    assert (preview.width, preview.height, preview.source_format) == (LONG_EDGE, LONG_EDGE // 2, "jpeg")
    assert decoded(preview.body).size == (LONG_EDGE, LONG_EDGE // 2)
    assert preview.cost.bytes_read >= len(body)


async def test_it_says_nothing_of_camera_and_place(reading: Running) -> None:
    assert not decoded((await reading.preview_of(with_exif(scene(640, 400), 3))).body).getexif()


async def test_it_stands_upright_as_its_exif_says(decoding: Running) -> None:
    """The service does that too, but not miniflare, which stands for it."""
    body = with_exif(scene(640, 400), 6)

    assert difference(decoded((await decoding.preview_of(body)).body), upright(body)) < 6


async def test_the_content_counts_and_not_the_name(reading: Running) -> None:
    preview = await reading.preview_of(encoded(scene(40, 30), "PNG"), "raw/really.jpg")

    assert (preview.source_format, preview.width, preview.height) == ("png", 40, 30)


async def test_a_raw_shows_the_preview_of_its_camera_turned_as_the_raw_says(reading: Running) -> None:
    made = await reading.preview_of(dng(preview_of_camera(), orientation=6))

    shown = decoded(made.body)
    assert (made.source_format, made.height) == ("dng", LONG_EDGE)
    assert difference(shown, upright(with_exif(scene(1620, 1080), 6)).resize(shown.size)) < 6


def preview_of_camera() -> Directory:
    return preview(encoded(scene(1620, 1080)))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (heif(scene(640, 400)), "ffmpeg"),
        (dng(preview_of_camera()), "embedded-jpeg"),
        (dng(sensor(1400, 1000)), "libraw"),
        (clip(frames(scene(640, 360), 3)), "pyav-poster"),
    ],
    ids=["heic", "preview", "sensor", "clip"],
)
async def test_every_way_works_within_the_limits_of_a_worker(decoding: Running, body: bytes, path: str) -> None:
    made = await decoding.preview_of(body)

    assert made.path == path
    assert min(made.cost.cpu_seconds, made.cost.peak_rss_bytes) > 0


async def test_half_a_picture_is_broken_and_the_next_one_works(decoding: Running) -> None:
    body = encoded(scene())

    with pytest.raises(BrokenPicture):
        await decoding.preview_of(body[: len(body) // 2])

    assert (await decoding.preview_of(body)).width == LONG_EDGE


@pytest.mark.parametrize("body", [b"", b"only text", SVG], ids=["empty", "text", "svg"])
async def test_what_is_no_picture_is_refused(running: Running, body: bytes) -> None:
    with pytest.raises(NotAPicture):
        await running.preview_of(body, "named.jpg")


async def test_a_sound_file_that_no_tool_reads_gets_its_own_error(running: Running) -> None:
    with pytest.raises(NoToolForFormat, match="raf"):
        await running.preview_of(UNKNOWN_CAMERA)


async def test_a_missing_object_is_named(running: Running) -> None:
    with pytest.raises(ObjectMissing) as caught:
        await running.tools.make_preview("raw/gone.jpg")

    assert caught.value.key == "raw/gone.jpg"


async def test_without_a_library_a_picture_is_sound_but_unread(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with opened("copy", request, tmp_path) as running:
        with pytest.raises(NoToolForFormat, match="png"):
            await running.preview_of(png(9, 9, depth=8, colour=2))


@pytest.fixture(params=["pool", "cloudflare"])
async def versioned(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """Only those that read from a bucket whose objects have versions."""
    async with opened(str(request.param), request, tmp_path) as running:
        yield running


async def test_a_preview_names_the_version_that_it_was_made_of(versioned: Running) -> None:
    key = "raw/a.jpg"
    for width in (640, 480):
        await versioned.put(key, encoded(scene(width, 400)))
        preview = await versioned.tools.make_preview(key)

        assert preview.etag is not None
        assert preview.etag == await versioned.etag(key)


@pytest.mark.parametrize("kind", ["pool", "copy", "cloudflare"])
async def test_tools_in_order_pass_a_probe(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with opened(kind, request, tmp_path) as running:
        await running.tools.probe()


@pytest.mark.parametrize("kind", [WorkerPool, CopyOnly])
async def test_storage_that_does_not_answer_may_answer_later(kind: type[WorkerPool | CopyOnly]) -> None:
    tools = kind(s3_readers("http://127.0.0.1:1"))  # a port nobody listens on
    try:
        with pytest.raises(StorageUnavailable):
            await tools.make_preview("a.jpg")
    finally:
        await tools.close()


class Mistaken:
    """A bucket with a programmer's mistake in it, as each of the tools would have it."""

    longest = timedelta(0)

    def open(self, key: str, *, waiting: Waiting = nullcontext) -> StoredObject:
        raise TypeError("a mistake of ours")

    async def read(self, key: str) -> bytes:
        raise TypeError("a mistake of ours")

    async def head(self, key: str) -> ObjectInfo:
        raise TypeError("a mistake of ours")

    async def read_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes:
        raise TypeError("a mistake of ours")

    async def open_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> object:
        raise TypeError("a mistake of ours")


@pytest.mark.parametrize(
    "open_tools",
    [
        lambda: WorkerPool(Mistaken()),
        lambda: CopyOnly(Mistaken()),
        lambda: Inline(Mistaken().read),
        lambda: BindingImages(cast("ImagesBinding", object()), Mistaken()),
    ],
    ids=["pool", "copy", "inline", "cloudflare"],
)
async def test_a_mistake_of_our_own_comes_out_as_itself(open_tools: Callable[[], ImageTools]) -> None:
    tools = open_tools()
    try:
        with pytest.raises(TypeError, match="a mistake of ours"):
            await tools.make_preview("raw/a.jpg")
    finally:
        await tools.close()


def test_the_consumer_itself_never_loads_libvips() -> None:
    code = "import sys, editqueue.adapters.image_tools.processes.pool; sys.exit('pyvips' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
