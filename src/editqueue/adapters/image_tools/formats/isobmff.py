"""ISO base media files (HEIC, CR3): a box is a length, a name and what it holds."""

from collections.abc import Iterator
from dataclasses import dataclass

from editqueue.domain.errors import BrokenPicture

UUID = 16
FULL_BOX = 4
"""Bytes of version and flags at the start of some boxes."""


@dataclass(frozen=True, slots=True)
class Box:
    name: bytes
    start: int
    """Where its content starts."""
    end: int


def header(piece: bytes, at: int, end: int) -> Box | None:
    """The box at `at` of a file, from its first 16 bytes `piece`; None where none can be."""
    length, name, body = int.from_bytes(piece[:4], "big"), piece[4:8], 8
    if length == 1:
        length, body = int.from_bytes(piece[8:16], "big"), 16
    elif length == 0:
        length = end - at
    return Box(name, at + body, at + length) if length >= body and len(piece) >= body else None


def boxes(body: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes side by side from `start`; one that ends too late is given as it says, and is the last."""
    end = len(body) if end is None else min(end, len(body))
    while start < end:
        box = header(body[start : start + 16], start, end)
        if box is None:
            return
        yield box
        start = box.end


def check_extents(body: bytes) -> None:
    """Raise BrokenPicture if a HEIC lacks bytes that it says it has: libheif shows those parts in green."""
    meta = next((box for box in boxes(body) if box.name == b"meta"), None)
    if meta is None or meta.end > len(body):
        raise BrokenPicture("the index of the picture is missing or torn")
    for box in boxes(body, meta.start + FULL_BOX, meta.end):
        if box.name == b"iloc" and max(_extent_ends(body[box.start : box.end]), default=0) > len(body):
            raise BrokenPicture("the file ends before its pictures do")


class _Fields:
    """Big-endian numbers, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def __call__(self, size: int) -> int:
        self._at += size
        if self._at > len(self._body):
            raise BrokenPicture("the index of the picture is torn")
        return int.from_bytes(self._body[self._at - size : self._at], "big")


def _extent_ends(iloc: bytes) -> Iterator[int]:
    """Where each extent ends in the file (ISO/IEC 14496-12, 8.11.3)."""
    field = _Fields(iloc)
    version, _, sizes = field(1), field(3), field(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    for _ in range(field(wide)):
        field(wide)  # the item
        method = field(2) & 15 if version in {1, 2} else 0
        field(2)  # the file it is in
        base = field(base_size)
        for _ in range(field(2)):
            if version in {1, 2}:
                field(index_size)
            end = base + field(offset_size) + field(length_size)
            if method == 0:  # in the file itself
                yield end
