"""Boxes of ISO base media files: side by side, and never more bytes than the file has."""

import struct

import pytest

from devtools.pictures.clips import clip, frames
from devtools.pictures.samples import heif, scene
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.isobmff import (
    MOST_BOXES,
    MOST_BRAND_BYTES,
    MOST_EXTENTS,
    boxes,
    brands,
    check_clip,
    check_heic,
)
from editqueue.domain.errors import BrokenPicture


def box(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def names(body: bytes) -> list[bytes]:
    return [found.name for found in boxes(BytesSource(body))]


def test_boxes_come_side_by_side_with_what_they_hold() -> None:
    body = (
        box(b"ftyp", b"brand") + struct.pack(">I4sQ", 1, b"long", 16 + 3) + b"abc" + struct.pack(">I", 0) + b"lastrest"
    )

    found = list(boxes(BytesSource(body)))

    assert [each.name for each in found] == [b"ftyp", b"long", b"last"]
    assert [body[each.start : each.end] for each in found] == [b"brand", b"abc", b"rest"]


def test_boxes_inside_a_box_end_with_it() -> None:
    body = box(b"moov", box(b"one ") + box(b"two ")) + box(b"free")

    assert [found.name for found in boxes(BytesSource(body), 8, 24)] == [b"one ", b"two "]


def test_a_box_that_ends_behind_the_file_is_the_last() -> None:
    [found] = boxes(BytesSource(struct.pack(">I4s", 5000, b"mdat") + bytes(100)))

    assert (found.name, found.end) == (b"mdat", 5000)


@pytest.mark.parametrize(
    "rubbish", [b"", b"\0\0\0\x08", struct.pack(">I4s", 7, b"tiny"), struct.pack(">I4sQ", 1, b"long", 15)]
)
def test_rubbish_ends_the_row(rubbish: bytes) -> None:
    assert names(box(b"free") + rubbish) == [b"free"]


def test_an_endless_row_of_boxes_is_left_at_its_limit() -> None:
    source = BytesSource(box(b"free") * 10 * MOST_BOXES)

    assert len(list(boxes(source))) == MOST_BOXES
    assert source.bytes_read <= 16 * MOST_BOXES


def test_brands_are_read_up_to_a_limit() -> None:
    assert brands(box(b"ftyp", b"heic\0\0\0\0mif1heic")) == (b"heic", b"mif1", b"heic")
    assert brands(box(b"free", b"heic")) == ()
    assert len(brands(box(b"ftyp", b"heic" * 5000))) <= MOST_BRAND_BYTES // 4


def test_a_whole_clip_has_all_its_bytes_and_half_of_one_has_not() -> None:
    body = clip(frames(scene(320, 176), 3))
    check_clip(BytesSource(body))

    with pytest.raises(BrokenPicture, match="ends before"):
        check_clip(BytesSource(body[: len(body) // 2]))


def test_a_whole_heic_has_all_its_bytes_and_half_of_one_has_not() -> None:
    body = heif(scene(320, 200))
    check_heic(body)

    with pytest.raises(BrokenPicture, match="ends before"):
        check_heic(body[:-100])


@pytest.mark.parametrize("body", [b"", box(b"ftyp"), struct.pack(">I4s", 5000, b"meta")])
def test_a_heic_without_an_index_is_broken(body: bytes) -> None:
    with pytest.raises(BrokenPicture, match="missing or torn"):
        check_heic(body)


def heic_of(iloc: bytes) -> bytes:
    return box(b"meta", bytes(4) + box(b"iloc", iloc))


def test_an_index_that_ends_within_a_number_is_broken() -> None:
    with pytest.raises(BrokenPicture, match="torn"):
        check_heic(heic_of(b"\0\0\0\0\x44\0\0\x09\0"))


def test_an_index_of_numbers_that_take_no_bytes_ends_in_time() -> None:
    items = b"\0\x01\0\0\xff\xff" * 60_000  # each of 65,535 extents, whose offsets and lengths have no bytes

    with pytest.raises(BrokenPicture, match=str(MOST_EXTENTS)):
        check_heic(heic_of(b"\0\0\0\0\0\0" + struct.pack(">H", 60_000) + items))
