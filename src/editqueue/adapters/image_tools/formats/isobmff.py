"""ISO base media files (HEIC, CR3, clips): a box is a length, a name and what it holds (ISO/IEC 14496-12)."""

import io
from collections.abc import Iterator
from typing import NamedTuple

from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.domain.errors import BrokenPicture
from editqueue.ports.bucket import ByteSource

MOST_BOXES = 64
"""Side by side; what comes after them is not looked at."""
MOST_EXTENTS = 65_536
"""Of all pictures of a HEIC: one of 200 megapixels has 800."""
MOST_BRAND_BYTES = 256
UUID = 16
FULL_BOX = 4
"""Bytes of version and flags at the start of some boxes."""


class Box(NamedTuple):
    name: bytes
    start: int
    """Where its content starts."""
    end: int


def boxes(source: ByteSource, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Up to MOST_BOXES boxes from `start`; one that ends behind `end` is given as it says, and is the last."""
    end = source.size() if end is None else end
    for _ in range(MOST_BOXES):
        piece = source.read(start, 16) if start < end else b""
        length, body = int.from_bytes(piece[:4], "big"), 8
        if length == 1:
            length, body = int.from_bytes(piece[8:16], "big"), 16
        elif length == 0:
            length = end - start
        if length < body or len(piece) < body:
            return
        yield Box(piece[4:8], start + body, start + length)
        start += length


def brands(head: bytes) -> tuple[bytes, ...]:
    """What the `ftyp` box at the start of a file says it is, the major brand first; none without such a box."""
    if head[4:8] != b"ftyp":
        return ()
    length = min(int.from_bytes(head[:4], "big"), MOST_BRAND_BYTES)
    return (head[8:12], *(head[at : at + 4] for at in range(16, length, 4)))


def check_clip(source: ByteSource) -> None:
    """Raises BrokenPicture if a clip lacks bytes that it says it has: half of one may still show a frame."""
    if any(box.name in {b"mdat", b"moov"} and box.end > source.size() for box in boxes(source)):
        raise BrokenPicture("the file ends before its clip does")


def check_heic(body: bytes) -> None:
    """Raises BrokenPicture if a HEIC lacks bytes that it says it has: libheif shows those parts in green."""
    source = BytesSource(body)
    meta = next((box for box in boxes(source) if box.name == b"meta"), None)
    if meta is None or meta.end > len(body):
        raise BrokenPicture("the index of the picture is missing or torn")
    for box in boxes(source, meta.start + FULL_BOX, meta.end):
        if box.name == b"iloc" and max(_extent_ends(body[box.start : box.end]), default=0) > len(body):
            raise BrokenPicture("the file ends before its pictures do")


def _extent_ends(iloc: bytes) -> Iterator[int]:
    """Where each extent ends in the file (8.11.3). Raises BrokenPicture for more than MOST_EXTENTS."""
    fields = io.BytesIO(iloc)

    def field(size: int) -> int:
        body = fields.read(size)
        if len(body) < size:
            raise BrokenPicture("the index of the picture is torn")
        return int.from_bytes(body, "big")

    version, _, sizes = field(1), field(3), field(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide, extents = 4 if version == 2 else 2, 0
    for _ in range(field(wide)):
        field(wide)  # the item
        method = field(2) & 15 if version in {1, 2} else 0
        field(2)  # the file it is in
        base, count = field(base_size), field(2)
        extents += count
        if extents > MOST_EXTENTS:  # of no size, they would take no bytes
            raise BrokenPicture(f"the index of the picture has more than {MOST_EXTENTS} parts")
        for _ in range(count):
            if version in {1, 2}:
                field(index_size)
            end = base + field(offset_size) + field(length_size)
            if method == 0:  # in the file itself
                yield end
