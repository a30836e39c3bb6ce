"""What Cloudflare Images is asked for: which bytes, which size, which turn; and what its refusals mean."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from PIL import Image, ImageOps

from devtools.cloudflare.host import Cloudflare
from devtools.cloudflare.isolate import Isolate, isolate
from devtools.pictures.raws import cr2, cr3, dng, preview, raf, rw2
from devtools.pictures.samples import decoded, encoded, heif, png, scene, with_exif
from editqueue.adapters.image_tools.cloudflare.images import BindingImages, plan_preview
from editqueue.adapters.image_tools.cloudflare.replay import MOST_READS, replayed
from editqueue.adapters.image_tools.formats.byte_source import BytesSource, HeadKept
from editqueue.adapters.image_tools.formats.camera_raw import locate_jpeg
from editqueue.domain.errors import BrokenPicture, EditQueueError, NotAPicture, NoToolForFormat, StorageUnavailable
from editqueue.domain.preview_spec import LONG_EDGE, QUALITY
from editqueue.ports.bucket import ObjectInfo

MADE = with_exif(scene(320, 200), 1)
CAMERA = encoded(scene(1620, 1080))


@pytest.fixture
async def there(cloudflare: Cloudflare) -> AsyncIterator[Isolate]:
    async with isolate(cloudflare) as opened:
        yield opened
        await opened.bucket.delete(["raw/a.jpg", "raw/a.dng"])


class Objects:
    """A bucket of one object, counting what is read of it, and of which versions."""

    def __init__(self, body: bytes, etag: str | None = None) -> None:
        self.body = body
        self.etag = etag
        self.reads: list[tuple[int, int]] = []
        self.versions: list[str | None] = []

    async def head(self, key: str) -> ObjectInfo:
        now = datetime.now(UTC)
        return ObjectInfo(key=key, size=len(self.body), content_type=None, last_modified=now, etag=self.etag)

    async def read_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes:
        self.reads.append((start, length))
        return await self.open_range(key, start, length, etag=etag)

    async def open_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes:
        self.versions.append(etag)
        return self.body[start : start + length]


class Answer:
    def __init__(self, body: bytes) -> None:
        self.body = body

    async def image(self) -> AsyncIterator[bytes]:
        yield self.body[:1000]
        yield self.body[1000:]


class Images:
    """Cloudflare Images as the SDK shows it: answers `made`, or raises `error`."""

    def __init__(self, made: bytes = MADE, error: Exception | None = None) -> None:
        self.made = made
        self.error = error
        self.given: Any = None
        self.asked: Mapping[str, object] = {}

    def input(self, stream: Any) -> "Images":
        self.given = stream
        return self

    async def info(self, stream: Any) -> Mapping[str, object]:
        if self.error is not None:
            raise self.error
        self.given = stream
        return {"format": "image/png", "width": 1, "height": 1, "fileSize": len(stream)}

    def transform(self, options: dict[str, object]) -> "Images":
        self.asked = options
        return self

    async def output(self, options: dict[str, object]) -> Answer:
        assert options == {"format": "image/jpeg", "quality": QUALITY}
        if self.error is not None:
            raise self.error
        return Answer(self.made)


def plan(body: bytes) -> Mapping[str, object]:
    return plan_preview(BytesSource(body)).transform


async def test_the_preview_carries_no_exif_whatever_the_service_left_in() -> None:
    made = await BindingImages(Images(), Objects(encoded(scene()))).make_preview("raw/a.jpg")

    assert b"SecretCamera" in MADE
    assert b"SecretCamera" not in made.body
    assert decoded(made.body).size == (made.width, made.height) == (320, 200)
    assert (made.source_format, made.path) == ("jpeg", "images")


def far_dng(jpeg: bytes) -> bytes:
    """Its directories lie behind the first 64 KiB."""
    return dng(preview(jpeg), padding=300_000)


@pytest.mark.parametrize("make", [cr2, raf, rw2, cr3, far_dng])
async def test_images_gets_exactly_the_jpeg_inside_a_raw(make: Any) -> None:
    images, objects = Images(), Objects(make(CAMERA))

    made = await BindingImages(images, objects).make_preview("raw/a.raw")

    assert images.given == CAMERA
    assert (made.path, images.asked["width"], images.asked["height"]) == ("images-embedded-jpeg", 1280, 853)
    assert len(objects.reads) <= 8


@pytest.mark.parametrize("make", [cr2, raf, rw2, cr3])
async def test_the_awaiting_walker_finds_what_the_server_finds(make: Any) -> None:
    body = make(CAMERA)
    objects = Objects(body)
    kind = plan_preview(BytesSource(body)).kind

    async def fetch(start: int, length: int) -> bytes:
        return await objects.read_range("k", start, length)

    found, read = await replayed(
        lambda source: locate_jpeg(HeadKept(source), kind, long_edge=LONG_EDGE), size=len(body), fetch=fetch
    )

    assert found == locate_jpeg(BytesSource(body), kind, long_edge=LONG_EDGE)
    assert read == sum(length for _, length in objects.reads)


async def test_a_file_that_asks_for_ever_more_reads_is_let_go() -> None:
    async def fetch(start: int, length: int) -> bytes:
        return bytes(length)

    with pytest.raises(NoToolForFormat, match=str(MOST_READS)):
        await replayed(lambda source: [source.read(at, 1) for at in range(0, 100, 2)], size=100, fetch=fetch)


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, {}),
        (2, {"flip": "h"}),
        (3, {"rotate": 180}),
        (4, {"flip": "v"}),
        (5, {"flip": "h", "rotate": 270}),
        (6, {"rotate": 90}),
        (7, {"flip": "h", "rotate": 90}),
        (8, {"rotate": 270}),
    ],
)
def test_a_raw_is_turned_as_it_says(orientation: int, turn: Mapping[str, object]) -> None:
    asked = plan(dng(preview(CAMERA), orientation=orientation))
    size = (853, 1280) if orientation >= 5 else (1280, 853)

    assert {name: asked[name] for name in ("flip", "rotate") if name in asked} == turn
    assert (asked["width"], asked["height"]) == size


def _turned(image: Image.Image, turn: Mapping[str, object]) -> Image.Image:
    """As Images documents it: first the flip, then the turn, clockwise."""
    if "flip" in turn:
        way = Image.Transpose.FLIP_LEFT_RIGHT if turn["flip"] == "h" else Image.Transpose.FLIP_TOP_BOTTOM
        image = image.transpose(way)
    angle = turn.get("rotate", 0)
    assert isinstance(angle, int)
    return image.rotate(-angle, expand=True)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_flip_and_turn_are_what_exif_means(orientation: int) -> None:
    asked = plan(dng(preview(CAMERA), orientation=orientation))
    stored = scene(60, 40)
    body = with_exif(stored, orientation, kind="PNG")
    upright = ImageOps.exif_transpose(decoded(body))

    assert _turned(stored, asked).tobytes() == upright.tobytes()


def test_a_jpeg_with_its_own_turn_is_turned_once_by_the_service() -> None:
    turned = with_exif(scene(1600, 1000), 6)

    assert plan(turned) == {"width": 1280, "height": 1280, "fit": "scale-down", "background": "#ffffff"}
    assert "rotate" not in plan(dng(preview(turned), orientation=6))


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (encoded(scene(100, 50)), (100, 50)),
        (encoded(scene(3000, 10), "PNG"), (1280, 4)),
        (encoded(scene(1000, 4000), "WEBP"), (320, 1280)),
        (encoded(scene(1000, 4000), "WEBP", lossless=True), (320, 1280)),
        (encoded(scene(200, 100).convert("RGBA"), "WEBP", exif=b"Exif\0\0"), (200, 100)),
        (heif(scene(640, 400)), (1280, 1280)),
    ],
    ids=["small", "strip", "lossy webp", "lossless webp", "extended webp", "heic: a box, never enlarged"],
)
def test_nothing_is_enlarged_or_distorted(body: bytes, size: tuple[int, int]) -> None:
    asked = plan(body)

    assert (asked["width"], asked["height"], asked["fit"]) == (*size, "scale-down")


@pytest.mark.parametrize(
    "body",
    [encoded(scene(64, 40), "TIFF"), encoded(scene(64, 40), "AVIF"), b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(99)],
    ids=["tiff", "avif", "mp4"],
)
def test_what_images_does_not_read_is_sound_all_the_same(body: bytes) -> None:
    with pytest.raises(NoToolForFormat, match="Images does not read"):
        plan(body)


def test_more_than_images_takes_is_sound_all_the_same() -> None:
    with pytest.raises(NoToolForFormat, match="12001 x 1"):
        plan(png(12_001, 1, depth=8, colour=2))


def test_a_raw_without_a_preview_that_could_be_shown_gets_the_copy() -> None:
    with pytest.raises(NoToolForFormat, match="no embedded preview"):
        plan(dng(preview(encoded(scene(160, 120)))))


@pytest.mark.parametrize("body", [b"", b"only text"])
def test_what_is_no_picture_is_told_at_once(body: bytes) -> None:
    with pytest.raises(NotAPicture):
        plan(body)


@pytest.mark.parametrize("body", [b"\xff\xd8\xff\xe0 cut", png(0, 9, depth=8, colour=2), b"RIFF\0\0\0\0WEBPVP8?"])
def test_a_picture_without_a_size_is_broken(body: bytes) -> None:
    with pytest.raises(BrokenPicture):
        plan(body)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("IMAGES_TRANSFORM_ERROR 9412: not an image", BrokenPicture),
        ("IMAGES_TRANSFORM_ERROR 9520: unsupported image type", NoToolForFormat),
        ("IMAGES_TRANSFORM_ERROR 9413: over 100 megapixels", NoToolForFormat),
        ("IMAGES_TRANSFORM_ERROR 9422: usage limit reached", NoToolForFormat),
        ("IMAGES_TRANSFORM_ERROR 9524: overloaded", StorageUnavailable),
        ("Network connection lost.", StorageUnavailable),
    ],
)
async def test_every_refusal_of_the_service_has_its_class(
    cloudflare: Cloudflare, there: Isolate, said: str, meant: type[EditQueueError]
) -> None:
    await there.bucket.write("raw/a.jpg", CAMERA, content_type="image/jpeg")
    await cloudflare.fail("output", said)

    with pytest.raises(meant, match="Cloudflare Images") as raised:
        await there.images.make_preview("raw/a.jpg")

    assert type(raised.value) is meant


async def test_an_answer_that_is_no_picture_is_not_published() -> None:
    with pytest.raises(BrokenPicture):
        await BindingImages(Images(made=b"<html>sorry</html>"), Objects(CAMERA)).make_preview("raw/a.jpg")


async def test_an_error_of_our_own_is_no_outage_of_the_service() -> None:
    with pytest.raises(TypeError, match="ours"):
        await BindingImages(Images(error=TypeError("ours")), Objects(CAMERA)).make_preview("raw/a.jpg")


@pytest.mark.parametrize("body", [CAMERA, far_dng(CAMERA)], ids=["jpeg", "raw"])
async def test_all_that_is_read_is_of_one_version_which_the_preview_names(body: bytes) -> None:
    objects = Objects(body, etag="one")

    preview = await BindingImages(Images(), objects).make_preview("raw/a.jpg")

    assert set(objects.versions) == {"one"}
    assert preview.etag == "one"


async def test_a_probe_shows_the_service_a_picture_and_transforms_nothing() -> None:
    images = Images()

    await BindingImages(images, Objects(b"")).probe()

    assert decoded(images.given).size == (1, 1)
    assert images.asked == {}


async def test_a_probe_of_the_runtime_itself_is_a_picture_that_it_reads(there: Isolate) -> None:
    await there.images.probe()


async def test_a_probe_says_when_the_service_is_away(cloudflare: Cloudflare, there: Isolate) -> None:
    await cloudflare.fail("info", "IMAGES_INFO_ERROR 9999: away")

    with pytest.raises(StorageUnavailable, match="Cloudflare Images: IMAGES_INFO_ERROR 9999"):
        await there.images.probe()


async def test_an_empty_object_and_a_raw_that_points_beyond_its_end_are_no_outage(there: Isolate) -> None:
    cut = dng(preview(CAMERA), padding=300_000)[:200_000]
    for body, meant in ((b"", NotAPicture), (cut, NoToolForFormat)):
        await there.bucket.write("raw/a.dng", body, content_type="image/x-adobe-dng")
        with pytest.raises(meant):
            await there.images.make_preview("raw/a.dng")
