"""Previews of every kind of picture, against PIL as the other opinion."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from devtools.pictures.samples import (
    decoded,
    difference,
    dng_like,
    encoded,
    photograph,
    png,
    scene,
    ssim,
    upright,
    with_exif,
)
from editqueue.adapters.image_tools.decoders.pixel_limits import MAX_SIDE, PixelLimits
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import BrokenPicture, NotAPicture, NoToolForFormat, OverLimit
from editqueue.domain.preview_spec import LONG_EDGE, QUALITY
from editqueue.ports.image_tools import Preview


def render(body: bytes) -> Preview:
    return render_preview(BytesSource(body))


def shown(body: bytes) -> Image.Image:
    """The preview of `body`, after what holds for every preview."""
    preview = render(body)
    image = decoded(preview.body)
    assert (image.format, image.mode) == ("JPEG", "RGB")
    assert image.size == (preview.width, preview.height)
    assert max(image.size) <= LONG_EDGE
    assert not image.getexif()
    assert not {"exif", "icc_profile", "xmp", "photoshop", "comment"} & image.info.keys()
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(1600, 1000), (640, 400), (2700, 1690)])
def test_every_orientation_comes_out_upright(orientation: int, size: tuple[int, int]) -> None:
    body = with_exif(scene(*size), orientation)

    image = shown(body)

    other = upright(body)
    assert abs(image.width / image.height - other.width / other.height) < 0.01
    assert difference(image, other.resize(image.size, Image.Resampling.LANCZOS)) < 3


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_the_orientation_of_other_formats_counts_too(kind: str) -> None:
    body = with_exif(scene(), 6, kind=kind)

    image = shown(body)

    assert image.size == (800, 1280)
    assert difference(image, upright(body).resize(image.size, Image.Resampling.LANCZOS)) < 3


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((4000, 3000), (1280, 960)),
        ((3000, 4000), (960, 1280)),
        ((1281, 700), (1280, 699)),
        ((1280, 700), (1280, 700)),
        ((2560, 1000), (1280, 500)),
        ((300, 200), (300, 200)),
        ((1, 1), (1, 1)),
        ((9000, 3), (1280, 1)),
    ],
)
def test_the_long_edge_is_1280_and_nothing_is_enlarged(size: tuple[int, int], expected: tuple[int, int]) -> None:
    width, height = shown(encoded(scene(*size))).size

    assert max(width, height) == max(expected)
    assert abs(min(width, height) - min(expected)) <= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_format_with_a_tool_is_read(kind: str) -> None:
    preview = render(encoded(scene(), kind))

    assert preview.source_format == kind.lower()
    assert preview.cost.bytes_read > 0
    assert difference(decoded(preview.body), scene().resize((1280, 800))) < 4


@pytest.mark.parametrize("size", [(3000, 2000), (5120, 800), (1500, 1000)], ids=["half", "quarter", "whole"])
def test_a_photograph_keeps_its_detail_and_its_colours(size: tuple[int, int]) -> None:
    """Against a decode of the whole picture, shrunk by Lanczos and coded alike."""
    body = encoded(photograph(*size), quality=92, subsampling=2)

    image = shown(body)

    whole = decoded(body).resize(image.size, Image.Resampling.LANCZOS)
    best = ssim(decoded(encoded(whole, quality=QUALITY)), whole)
    assert ssim(image, whole) > best - 0.005
    assert np.abs(np.asarray(image).mean(axis=(0, 1)) - np.asarray(whole).mean(axis=(0, 1))).max() < 1


def test_no_camera_no_place_no_profile_remains() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    body = encoded(scene(), exif=exif.tobytes(), icc_profile=srgb, comment=b"SecretComment", xmp=b"<SecretXmp/>")
    assert body.count(b"Secret") == 3

    preview = render(body).body

    assert b"Secret" not in preview
    assert b"Exif" not in preview
    assert b"ICC_PROFILE" not in preview
    shown(body)


def test_a_profile_is_converted_not_dropped() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    red = Image.new("RGB", (100, 100), (200, 30, 30))
    plain = shown(encoded(red))

    assert difference(plain, red) < 3
    shown(encoded(red, icc_profile=lab))


def test_cmyk_becomes_rgb() -> None:
    image = shown(encoded(Image.new("CMYK", (1400, 700), (0, 255, 255, 0))))

    red, green, blue = np.asarray(image).reshape(-1, 3).mean(axis=0)
    assert red > 150
    assert max(green, blue) < 90


def test_grey_stays_grey() -> None:
    image = shown(encoded(Image.new("L", (1400, 700), 90)))

    assert np.abs(np.asarray(image, dtype=int) - 90).max() <= 2


def test_sixteen_bits_become_eight() -> None:
    body = encoded(Image.fromarray(np.full((700, 1400), 0x8000, dtype=np.uint16)), "PNG")

    assert np.abs(np.asarray(shown(body), dtype=int) - 128).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_transparency_becomes_white(kind: str) -> None:
    body = encoded(Image.new("RGBA", (1400, 700), (255, 0, 0, 0)), kind)

    assert np.asarray(shown(body)).min() >= 250


@pytest.mark.parametrize(("colour", "channels"), [(6, 4), (4, 2)])
def test_transparency_in_sixteen_bits_becomes_white(colour: int, channels: int) -> None:
    rows = (b"\0" + bytes(8 * 2 * channels)) * 8

    assert np.asarray(shown(png(8, 8, depth=16, colour=colour, rows=rows))).min() >= 250


def test_a_palette_is_read() -> None:
    image = shown(encoded(Image.new("RGB", (1400, 700), (10, 200, 30)).quantize(4), "PNG"))

    assert difference(image, Image.new("RGB", image.size, (10, 200, 30))) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("share", [0.5, 0.98])
def test_a_torn_picture_is_broken(kind: str, share: float) -> None:
    body = encoded(scene(), kind)

    with pytest.raises(BrokenPicture):
        render(body[: int(len(body) * share)])


@pytest.mark.parametrize("share", [0.5, 0.98])
@pytest.mark.parametrize("progressive", [False, True])
def test_half_a_jpeg_is_broken_although_it_has_an_end(share: float, progressive: bool) -> None:
    body = encoded(scene(), progressive=progressive)

    with pytest.raises(BrokenPicture):
        render(body[: int(len(body) * share)] + b"\xff\xd9")


def test_a_jpeg_that_lacks_its_end_mark_and_no_pixel_is_whole() -> None:
    body = encoded(scene())

    assert difference(shown(body[:-2]), shown(body)) == 0


def test_a_jpeg_with_stray_bytes_between_its_segments_is_read() -> None:
    body = encoded(scene())

    assert difference(shown(body[:2] + b"\xff\xe7\x00\x02junk" + body[2:]), shown(body)) == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("written", ['tiff:Orientation="6"', "<tiff:Orientation>6</tiff:Orientation>"])
def test_the_orientation_of_xmp_counts_where_exif_has_none(kind: str, written: str) -> None:
    said = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{written}</x:xmpmeta>".encode()
    body = with_xmp(scene(), said, kind)

    image = shown(body)

    assert image.size == (800, 1280)
    assert difference(image, upright(with_exif(scene(), 6)).resize(image.size, Image.Resampling.LANCZOS)) < 4


def with_xmp(image: Image.Image, said: bytes, kind: str) -> bytes:
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", said.decode())
        return encoded(image, kind, pnginfo=info)
    if kind == "TIFF":
        return encoded(image, kind, tiffinfo={700: said})
    return encoded(image, kind, xmp=said)


def test_exif_counts_before_xmp() -> None:
    exif = Image.Exif()
    exif[0x112] = 1

    image = shown(encoded(scene(), exif=exif.tobytes(), xmp=b'<x tiff:Orientation="6"/>'))

    assert image.size == (1280, 800)


def test_a_torn_progressive_jpeg_is_broken() -> None:
    body = encoded(scene(), progressive=True)

    with pytest.raises(BrokenPicture):
        render(body[: len(body) // 2])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no picture",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='/etc/passwd'/></svg>",
        b"%PDF-1.7",
        b"P6 1 1 255 abc",
        b"\0" * 5000,
    ],
)
def test_what_is_no_picture_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(NotAPicture):
        render(body)


@pytest.mark.parametrize("size", [(20_000, 20_000), (MAX_SIDE + 1, 1)])
def test_a_pixel_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(OverLimit):
        render(png(*size, depth=8, colour=2))


LIMITS = PixelLimits(streamed=1_600_000, whole=1_500_000)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_must_be_held_whole_has_a_limit_of_its_own(kind: str) -> None:
    body = encoded(scene(), kind)
    assert render_preview(BytesSource(body), limits=LIMITS).width == 1280

    whole = encoded(scene(), kind, progressive=True) if kind == "JPEG" else interlaced(body)
    with pytest.raises(OverLimit, match="1500000"):
        render_preview(BytesSource(whole), limits=LIMITS)


def interlaced(body: bytes) -> bytes:
    """A PNG that says it is interlaced; its pixels are not looked at."""
    header = body[12:28] + b"\x01"
    return body[:12] + header + struct.pack(">I", zlib.crc32(header)) + body[33:]


def test_a_file_too_large_to_be_read_whole_is_refused_unread() -> None:
    source = BytesSource(encoded(scene()))

    with pytest.raises(OverLimit, match="bytes"):
        render_preview(source, limits=PixelLimits(still_bytes=source.size() - 1))

    assert source.bytes_read <= 64 * 1024


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "cr3"),
        (b"II*\0\x10\0\0\0CR\x02\0", "cr2"),
        (b"FUJIFILMCCD-RAW 0201", "raf"),
        (b"IIRO\x08\0\0\0", "orf"),
        (b"IIU\0\x18\0\0\0", "rw2"),
    ],
)
def test_a_format_without_a_tool_is_no_error_of_the_picture(head: bytes, name: str) -> None:
    with pytest.raises(NoToolForFormat, match=name):
        render(head + bytes(100))


@pytest.mark.parametrize("directory_at_end", [False, True])
def test_a_dng_is_never_taken_for_a_tiff(directory_at_end: bool) -> None:
    with pytest.raises(NoToolForFormat, match="dng"):
        render(dng_like(directory_at_end=directory_at_end))
