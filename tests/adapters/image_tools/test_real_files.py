"""Real files of phones and cameras, against an independent way to the same picture: Pillow, lcms and Lanczos.

Not to be had here, and replaced by generated files of the same shape (test_colour, test_raw, test_clip, test_render):
photoprism's Iceland-P3, iPhone 7 and 15, IMG_2682 and Samsung HEICs, canon_eos_6d.dng, ExifTool's CR3, NEF, RAF and
RW2, quicktime-hvc1.mov. Other phones' HEICs, which pillow-heif ships, stand in for those of the study.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import io
from pathlib import Path

import av
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageOps

from devtools.pictures.packaged import packaged
from devtools.pictures.samples import decoded, encoded, scene, ssim
from devtools.storage import folder_readers
from editqueue.adapters.image_tools.formats.byte_source import BytesSource, HeadKept
from editqueue.adapters.image_tools.formats.camera_raw import locate_jpeg
from editqueue.adapters.image_tools.processes.limits import WorkerLimits
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import BrokenPicture, NotAPicture, OverLimit
from editqueue.domain.preview_spec import LONG_EDGE

HEIF = "tests/images"
THUMBOR = "tests/fixtures/images"


def independent(body: bytes) -> Image.Image:
    """Decoded whole, turned, shrunk by Lanczos and converted by lcms."""
    heic = body[4:8] == b"ftyp" and body[8:12] != b"avif"
    image = pillow_heif.open_heif(body).to_pillow() if heic else ImageOps.exif_transpose(decoded(body))
    profile = image.info.get("icc_profile")
    image.thumbnail((LONG_EDGE, LONG_EDGE), Image.Resampling.LANCZOS, reducing_gap=None)
    if not profile:
        return image.convert("RGB")
    source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    converted = ImageCms.profileToProfile(image, source, srgb, intent, outputMode="RGB")
    assert converted is not None
    return converted


def means(image: Image.Image) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(image).mean(axis=(0, 1))


@pytest.mark.parametrize(
    ("member", "size"),
    [
        ("heif_other/arrow.heic", (960, 1280)),
        ("heif_other/pug.heic", (1280, 960)),
        ("heif_other/spatial_photo.heic", (1280, 1280)),
        ("heif_other/cat.hif", (1280, 855)),
        ("heif_other/nokia/bird_burst.heic", (1280, 720)),
        ("heif_special/xiaomi.heic", (1280, 960)),
        ("heif_special/aux_YCbCr.heic", (1280, 591)),
        ("heif/zPug_3.heic", (64, 64)),
    ],
)
def test_a_phones_heic_comes_out_as_it_was_seen(member: str, size: tuple[int, int]) -> None:
    body = packaged("pillow-heif", f"{HEIF}/{member}")

    preview = render_preview(BytesSource(body))

    shown, expected = decoded(preview.body), independent(body)
    assert (preview.width, preview.height) == expected.size == size
    assert ssim(shown, expected) > 0.96
    assert np.abs(means(shown) - means(expected)).max() < 1.5
    assert not shown.getexif()


async def test_the_largest_and_the_heaviest_of_phones_fit_the_limits(tmp_path: Path) -> None:
    for name in ("200MP.heic", "guitar_cw90.hif"):
        (tmp_path / name).write_bytes(packaged("pillow-heif", f"{HEIF}/heif_special/{name}"))
    # In CPU time it takes 6 s; a busy machine is not what is tried here.
    pool = WorkerPool(folder_readers(tmp_path), limits=WorkerLimits(wall_seconds=100))
    try:
        turned = await pool.make_preview("guitar_cw90.hif")
        large = await pool.make_preview("200MP.heic")
    finally:
        await pool.close()

    assert (turned.width, turned.height) == (853, 1280)
    assert max(large.width, large.height) == LONG_EDGE
    assert large.path == "ffmpeg"
    assert large.cost.peak_rss_bytes < WorkerLimits().memory_bytes / 4


async def test_a_picture_that_needs_more_memory_than_a_worker_has_is_over_the_limit(tmp_path: Path) -> None:
    body = packaged("pillow-heif", f"{HEIF}/heif_special/200MP.heic")
    (tmp_path / "large.heic").write_bytes(body + b"\0\0\0\x08moov")  # which libheif alone reads
    limits = WorkerLimits(wall_seconds=100, memory_bytes=512 * 1024 * 1024)
    pool = WorkerPool(folder_readers(tmp_path), limits=limits)
    try:
        with pytest.raises(OverLimit, match="memory"):
            await pool.make_preview("large.heic")
    finally:
        await pool.close()


@pytest.mark.parametrize(
    ("member", "error"),
    [
        ("heif_corrupted/corrupted.heic", BrokenPicture),
        ("heif_corrupted/corrupted.hif", BrokenPicture),
        ("heif_corrupted/empty.heic", NotAPicture),
        ("heif_truncated/truncated.heic", BrokenPicture),
    ],
)
def test_a_broken_heic_is_told(member: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        render_preview(BytesSource(packaged("pillow-heif", f"{HEIF}/{member}")))


@pytest.mark.parametrize(
    ("member", "size", "most"),
    [("cmyk-icc.jpg", (388, 218), 5.0), ("grayscale-icc.jpg", (50, 50), 1.5), ("image.avif", (300, 400), 1.5)],
)
def test_print_and_grey_profiles_come_out_in_their_colours(member: str, size: tuple[int, int], most: float) -> None:
    body = packaged("thumbor", f"{THUMBOR}/{member}")

    shown, expected = decoded(render_preview(BytesSource(body)).body), independent(body)

    assert shown.size == expected.size == size
    assert np.abs(means(shown) - means(expected)).max() < most
    assert ssim(shown, expected) > 0.97


def test_print_colours_are_turned_upright_too() -> None:
    name = "Giunchedi%2C_Filippo_January_2015_01-cmyk"
    turned = decoded(render_preview(BytesSource(packaged("thumbor", f"{THUMBOR}/{name}-orientation-exif.jpg"))).body)
    plain = decoded(render_preview(BytesSource(packaged("thumbor", f"{THUMBOR}/{name}.jpg"))).body)

    assert turned.size == (533, 800)
    assert np.abs(means(turned) - means(plain)).max() < 1.5


def test_where_a_photo_was_taken_stays_with_the_original() -> None:
    body = packaged("hachoir", "tests/files/gps.jpg")
    assert decoded(body).getexif().get_ifd(0x8825)

    made = render_preview(BytesSource(body)).body

    assert not decoded(made).getexif()
    assert not any(mark in made for mark in (b"Exif", b"ns.adobe.com", b"ICC_PROFILE"))


class Watched(BytesSource):
    """The head of a file, the preview behind it, and nothing after that, as long as the camera made it."""

    def __init__(self, head: bytes, size: int) -> None:
        super().__init__(head)
        self._size = size
        self.reads: list[tuple[int, int]] = []

    def size(self) -> int:
        return self._size

    def read(self, start: int, length: int) -> bytes:
        self.reads.append((start, length))
        return super().read(start, length).ljust(min(length, self._size - start), b"\0")


def test_the_preview_of_a_real_canon_is_where_exiftool_says() -> None:
    head = packaged("hachoir", "tests/files/canon.raw.cr2")  # of an EOS 7D, cut off where the preview starts
    start, length, whole = 97_952, 1_760_683, 22_331_531  # exiftool 13.59: PreviewImageStart, PreviewImageLength
    assert len(head) == start
    source = Watched(head + encoded(scene(5184, 3456)), whole)

    kept = HeadKept(source)
    found = locate_jpeg(kept, "cr2", long_edge=LONG_EDGE)

    assert found is not None
    assert (found.width, found.height, found.orientation) == (5184, 3456, 1)
    assert (found.offset, found.length) == (start, length)
    kept.read(start, length)
    assert sum(read[1] for read in source.reads) <= length + 160 * 1024
    assert len(source.reads) <= 8


def test_a_clip_of_a_real_camera_has_a_poster() -> None:
    body = packaged("hachoir", "tests/files/quicktime.mp4")
    with av.open(io.BytesIO(body), "r") as container:
        seen = [frame.to_image() for frame in container.decode(video=0) if frame.key_frame]

    shown = decoded(render_preview(BytesSource(body)).body)

    assert shown.size == seen[0].size == (190, 240)
    assert max(ssim(shown, frame) for frame in seen) > 0.97
