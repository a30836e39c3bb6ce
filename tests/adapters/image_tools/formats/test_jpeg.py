"""JPEGs segment by segment: size, turn, and what is private in them."""

import struct

import pytest

from devtools.pictures.samples import decoded, encoded, scene, with_exif
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.jpeg import (
    MOST_SEGMENTS,
    SEGMENT_HEAD,
    jpeg_orientation,
    jpeg_size,
    segments,
    without_metadata,
)
from editqueue.domain.errors import BrokenPicture

FRAME = b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 30, 40) + bytes(10)
SCAN = b"\xff\xda\0\x08" + bytes(6)


def size(body: bytes) -> tuple[int, int] | None:
    return jpeg_size(BytesSource(body), 0, len(body))


def comments(count: int) -> bytes:
    return b"\xff\xfe\0\x06some" * count


def test_the_size_of_a_jpeg_is_read() -> None:
    assert size(encoded(scene(40, 30))) == size(encoded(scene(40, 30), progressive=True)) == (40, 30)


def test_a_jpeg_inside_another_file_is_read_where_it_is() -> None:
    inner = encoded(scene(40, 30))

    assert jpeg_size(BytesSource(b"before" + inner + b"behind"), 6, 6 + len(inner)) == (40, 30)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"only text",
        b"\xff\xd8\xff",
        b"\xff\xd8" + FRAME[:8],
        b"\xff\xd8" + SCAN + FRAME,
        b"\xff\xd8" + comments(1) + b"no segment" + FRAME,
        b"\xff\xd8" + b"\xff\xe1\xff\xff" + FRAME,
        b"\xff\xd8" + FRAME.replace(b"\xc0", b"\xc3"),
        b"\xff\xd8" + FRAME.replace(struct.pack(">H", 30), b"\0\0"),
    ],
    ids=["empty", "text", "start", "torn", "scan first", "rubbish", "over the end", "lossless", "no height"],
)
def test_what_has_no_readable_frame_has_no_size(body: bytes) -> None:
    assert size(body) is None


def test_a_frame_behind_the_end_of_the_jpeg_is_not_its_own() -> None:
    body = b"\xff\xd8" + comments(1) + FRAME

    assert jpeg_size(BytesSource(body), 0, len(body) - len(FRAME) + 8) is None


def test_a_row_of_segments_is_left_at_its_limit() -> None:
    source = BytesSource(b"\xff\xd8" + comments(10 * MOST_SEGMENTS) + FRAME)

    assert jpeg_size(source, 0, source.size()) is None
    assert source.bytes_read <= 3 + MOST_SEGMENTS * SEGMENT_HEAD


def test_segments_of_no_length_end_too() -> None:
    source = BytesSource(b"\xff\xd8" + b"\xff\xfe\0\0" * 100)

    assert len(list(segments(source, 0, source.size()))) <= MOST_SEGMENTS


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_read(orientation: int) -> None:
    source = BytesSource(with_exif(scene(40, 30), orientation))

    assert jpeg_orientation(source, 0, source.size()) == orientation


@pytest.mark.parametrize(
    "exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"]
)
def test_exif_that_says_nothing_of_it_leaves_it_open(exif: bytes) -> None:
    body = b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + FRAME

    assert jpeg_orientation(BytesSource(body), 0, len(body)) is None


def test_taking_metadata_out_leaves_profile_and_pixels() -> None:
    profile = encoded(scene(), icc_profile=b"x" * 500, comment=b"private", exif=b"Exif\0\0private")

    plain = without_metadata(profile)

    assert decoded(plain).info["icc_profile"] == b"x" * 500
    assert b"private" not in plain
    assert decoded(plain).tobytes() == decoded(profile).tobytes()


def test_metadata_of_any_length_is_taken_out() -> None:
    body = b"\xff\xd8" + comments(10 * MOST_SEGMENTS) + FRAME + SCAN + b"pixels"

    assert without_metadata(body) == b"\xff\xd8" + FRAME + SCAN + b"pixels"


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xd8\xff", b"\xff\xd8" + FRAME])
def test_what_has_no_picture_in_it_is_broken(body: bytes) -> None:
    with pytest.raises(BrokenPicture):
        without_metadata(body)
