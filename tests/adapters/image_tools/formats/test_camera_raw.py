"""Camera raws: the right one of their previews, turned once, for few bytes; LibRaw where there is none."""

import random
import struct
from collections.abc import Callable

import pytest
from PIL import Image

from devtools.pictures.raws import cr2, cr3, dng, made_by, preview, raf, rw2, sensor
from devtools.pictures.samples import decoded, difference, encoded, scene, upright, with_exif
from editqueue.adapters.image_tools.decoders import libraw
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import BrokenPicture, NotAPicture, NoToolForFormat, OverLimit
from editqueue.ports.image_tools import Preview

MEDIUM = encoded(scene(1620, 1080))
FULL = encoded(scene(3000, 2000))
TINY = encoded(scene(256, 171))
EXPECTED = scene(1280, 853)


def render(body: bytes) -> Preview:
    return render_preview(BytesSource(body))


def dng_of(jpeg: bytes, orientation: int) -> bytes:
    return dng(preview(jpeg), orientation=orientation)


@pytest.fixture(name="no_libraw")
def _no_libraw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraw, "installed", lambda: False)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (dng(preview(FULL), preview(TINY), preview(MEDIUM)), "dng"),
        (cr2(MEDIUM), "cr2"),
        (cr3(MEDIUM), "cr3"),
        (raf(MEDIUM), "raf"),
        (rw2(MEDIUM), "rw2"),
    ],
    ids=["dng", "cr2", "cr3", "raf", "rw2"],
)
def test_the_preview_of_the_camera_is_taken(body: bytes, kind: str) -> None:
    made = render(body)

    assert (made.source_format, made.path) == (kind, "embedded-jpeg")
    assert (made.width, made.height) == (1280, 853)
    assert difference(decoded(made.body), EXPECTED) < 3


def test_the_smallest_that_is_large_enough_costs_few_bytes() -> None:
    body = dng(preview(FULL), preview(TINY), preview(MEDIUM), padding=20_000_000)

    assert render(body).cost.bytes_read <= len(MEDIUM) + 160 * 1024


@pytest.mark.parametrize("make", [cr2, cr3, dng_of])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_raw_says_how_to_turn_a_preview_that_does_not(
    make: Callable[[bytes, int], bytes], orientation: int
) -> None:
    shown = decoded(render(make(MEDIUM, orientation)).body)

    expected = upright(with_exif(scene(1620, 1080), orientation))
    assert difference(shown, expected.resize(shown.size)) < 3


def test_a_preview_that_says_so_itself_is_turned_once() -> None:
    shown = decoded(render(cr2(with_exif(scene(1620, 1080), 6), 6)).body)

    assert shown.size == (853, 1280)


def test_a_preview_that_stands_upright_already_is_left_so() -> None:
    standing = scene(1620, 1080).transpose(Image.Transpose.ROTATE_270)

    shown = decoded(render(cr2(encoded(standing), 6)).body)

    assert shown.size == (853, 1280)
    assert difference(shown, standing.resize(shown.size)) < 3


@pytest.mark.parametrize("size", [(1400, 1000), (2800, 2000)])
def test_without_a_preview_libraw_develops_the_sensor(size: tuple[int, int]) -> None:
    made = render(dng(preview(TINY), sensor(*size)))

    assert made.path == "libraw"
    assert max(made.width, made.height) == 1280


def test_a_sensor_without_light_is_no_black_preview() -> None:
    with pytest.raises(BrokenPicture, match="nothing"):
        render(dng(preview(TINY), sensor(1400, 1000, level=0)))


def test_what_libraw_does_not_know_shows_the_preview_of_its_camera() -> None:
    made = render(dng(preview(encoded(scene(900, 600))), of=(*made_by(b"PENTAX"), (0x103, 3, (65_535,)))))

    assert (made.source_format, made.path, made.width) == ("pef", "embedded-jpeg-small", 900)


@pytest.mark.parametrize("kind", ["crw", "mrw", "x3f"])
def test_raws_that_are_not_built_like_tiffs_show_what_libraw_finds_in_them(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(body: bytes, kind: str) -> tuple[bytes, int]:
        return MEDIUM, 6

    monkeypatch.setattr(libraw, "embedded_jpeg", found)
    heads = {"crw": b"II\x1a\0\0\0HEAPCCDR", "mrw": b"\0MRM", "x3f": b"FOVb"}

    made = render(heads[kind] + bytes(1000))

    assert (made.source_format, made.path, made.width, made.height) == (kind, "embedded-jpeg", 853, 1280)


@pytest.mark.usefixtures("no_libraw")
def test_without_libraw_a_smaller_preview_is_better_than_none() -> None:
    made = render(dng(preview(encoded(scene(900, 600))), preview(TINY)))

    assert (made.path, made.width) == ("embedded-jpeg-small", 900)


@pytest.mark.usefixtures("no_libraw")
def test_without_libraw_a_thumbnail_is_no_preview() -> None:
    with pytest.raises(NoToolForFormat, match="editqueue\\[raw\\]"):
        render(dng(preview(TINY)))


@pytest.mark.parametrize(
    "body",
    [dng(preview(MEDIUM), sensor(1400, 1000)), cr3(MEDIUM) + b"\0\x01\0\x08mdat" + bytes(65_536)],
    ids=["dng", "cr3"],
)
def test_half_a_raw_is_broken_although_its_preview_is_whole(body: bytes) -> None:
    render(body)

    with pytest.raises(BrokenPicture, match="ends before"):
        render(body.replace(b"\0\x01\0\x08mdat", b"\0\x02\0\x08mdat") if b"mdat" in body else _grown(body))


def _grown(body: bytes) -> bytes:
    """Its sensor's strip ends behind the file."""
    claimed = struct.pack("<HHII", 0x117, 4, 1, 1400 * 1000 * 2)
    assert claimed in body
    return body.replace(claimed, struct.pack("<HHII", 0x117, 4, 1, 1400 * 1000 * 4))


def test_a_torn_preview_is_broken() -> None:
    body = dng(preview(MEDIUM[: len(MEDIUM) // 2]))

    with pytest.raises(BrokenPicture):
        render(body)


@pytest.mark.usefixtures("no_libraw")
@pytest.mark.parametrize("body", [dng(preview(TINY), preview(MEDIUM)), cr2(MEDIUM), cr3(MEDIUM), rw2(MEDIUM)])
def test_no_bytes_make_the_walker_fail_in_a_way_we_do_not_know(body: bytes) -> None:
    chance = random.Random(1)
    for _ in range(60):
        torn = bytearray(body[: chance.choice([40, 200, 3000, len(body)])])
        for _ in range(8):
            torn[chance.randrange(8, len(torn))] = chance.randrange(256)
            tail = max(8, len(torn) - 200)  # the directories of the DNG
            torn[chance.randrange(tail, len(torn))] = chance.choice([0, 1, 255])
        try:
            render(bytes(torn))
        except (NoToolForFormat, BrokenPicture, NotAPicture, OverLimit):
            continue
