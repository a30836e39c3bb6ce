"""Directories of TIFFs: what they say, each once, and never more than a camera would write."""

import struct

import pytest

from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.tiff import (
    DIRECTORY_BYTES,
    MOST_DIRECTORIES,
    MOST_ENTRIES,
    MOST_VALUES,
    ORIENTATION,
    SUB_DIRECTORIES,
    Tiff,
    orientation_of,
)

BYTE, SHORT, LONG = 1, 3, 4
TAG = 0x100


class Watched(BytesSource):
    longest = 0

    def read(self, start: int, length: int) -> bytes:
        self.longest = max(self.longest, length)
        return super().read(start, length)


def entry(tag: int, kind: int, count: int, field: int, order: str = "<") -> bytes:
    packed = struct.pack(order + "H", field) + b"\0\0" if kind == SHORT else struct.pack(order + "I", field)
    return struct.pack(order + "HHI", tag, kind, count) + packed


def directory(*entries: bytes, following: int = 0, order: str = "<") -> bytes:
    return struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", following)


def tiff(*directories: bytes, order: str = "<") -> Tiff:
    opening = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return Tiff(BytesSource(opening + b"".join(directories)))


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_orders_of_bytes_are_read(order: str) -> None:
    made = tiff(
        directory(entry(TAG, LONG, 1, 70_000, order), entry(0x101, SHORT, 1, 7, order), order=order), order=order
    )

    [found] = made.directories()

    assert (found.numbers(TAG), found.number(0x101), found.number(0x102)) == ((70_000,), 7, 0)


def test_values_that_lie_elsewhere_are_read_from_there() -> None:
    first = directory(entry(TAG, SHORT, 3, 0))
    first = directory(struct.pack("<HHII", TAG, SHORT, 3, 8 + len(first)))

    [found] = tiff(first, struct.pack("<3H", 1, 2, 3)).directories()

    assert found.numbers(TAG) == (1, 2, 3)


def test_offsets_count_from_where_the_tiff_begins() -> None:
    body = b"before" + b"II*\0\x08\0\0\0" + directory(entry(TAG, LONG, 1, 5))

    [found] = Tiff(BytesSource(body), 6).directories()

    assert found.number(TAG) == 5


@pytest.mark.parametrize(
    "hostile",
    [
        entry(TAG, LONG, 0xFFFFFFFF, 8),
        entry(TAG, LONG, MOST_VALUES + 1, 8),
        entry(TAG, LONG, 0, 8),
        entry(TAG, LONG, 4, 0xFFFFFFF0),
        entry(TAG, BYTE, 1, 8),
        entry(TAG, 999, 1, 8),
    ],
    ids=["a huge count", "too many", "none", "behind the end", "another type", "an unknown type"],
)
def test_what_does_not_fit_is_no_value(hostile: bytes) -> None:
    [found] = tiff(directory(hostile), bytes(4 * MOST_VALUES + 8)).directories()

    assert found.numbers(TAG) == ()
    assert found.number(TAG) == 0


def test_a_directory_of_too_many_entries_is_read_up_to_its_limit() -> None:
    entries = [entry(tag, LONG, 1, tag) for tag in range(1000)]

    [found, *_] = tiff(directory(*entries)).directories()

    assert len(found.entries) == MOST_ENTRIES


@pytest.mark.parametrize("length", range(40))
def test_a_torn_directory_gives_what_is_whole_of_it(length: int) -> None:
    whole = b"II*\0\x08\0\0\0" + directory(entry(TAG, LONG, 1, 5), entry(0x101, LONG, 1, 6))

    found = list(Tiff(BytesSource(whole[:length])).directories())

    assert sum(len(each.entries) for each in found) == max(0, min(2, (length - 10) // 12))


@pytest.mark.parametrize("way", ["following", "below"])
def test_a_directory_that_comes_back_to_itself_is_read_once(way: str) -> None:
    looping = directory(following=8) if way == "following" else directory(entry(SUB_DIRECTORIES, LONG, 1, 8))

    assert len(list(tiff(looping).directories())) == 1


def test_an_endless_row_of_directories_is_left_at_its_limit() -> None:
    row = [directory(following=8 + 6 * (number + 1)) for number in range(10 * MOST_DIRECTORIES)]

    assert len(list(tiff(*row).directories())) == MOST_DIRECTORIES


def test_directories_below_come_before_those_after_the_next() -> None:
    first = directory(entry(SUB_DIRECTORIES, LONG, 1, 26), following=44)
    below, after = directory(entry(TAG, LONG, 1, 1)), directory(entry(TAG, LONG, 1, 2))

    assert [each.number(TAG) for each in tiff(first, below, after).directories()] == [0, 1, 2]


def test_no_read_is_longer_than_a_directory() -> None:
    values = [entry(tag, LONG, MOST_VALUES, 8) for tag in range(50)]
    source = Watched(b"II*\0\x08\0\0\0" + directory(*values) + bytes(100_000))

    for found in Tiff(source).directories():
        assert all(found.numbers(tag) for tag in range(50))

    assert source.longest == DIRECTORY_BYTES


@pytest.mark.parametrize(("said", "meant"), [(1, 1), (8, 8), (0, None), (9, None)])
def test_an_orientation_is_one_of_eight(said: int, meant: int | None) -> None:
    [found] = tiff(directory(entry(ORIENTATION, SHORT, 1, said))).directories()

    assert orientation_of(found) == meant
