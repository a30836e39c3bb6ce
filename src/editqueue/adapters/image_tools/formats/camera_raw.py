"""The JPEG previews inside camera raws, found by reading a few kilobytes of the file.

Knows RAF, CR3 and what is built like TIFF: CR2, NEF, ARW, DNG, RW2, ORF, PEF, SRW, 3FR, IIQ and others. Every number
of the file is hostile: what does not fit is no candidate.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from editqueue.adapters.image_tools.formats.byte_source import BlocksKept
from editqueue.adapters.image_tools.formats.isobmff import UUID, Box, boxes
from editqueue.adapters.image_tools.formats.jpeg import jpeg_size
from editqueue.adapters.image_tools.formats.tiff import (
    COMPRESSION,
    HEIGHT,
    STRIP,
    STRIP_LENGTH,
    WIDTH,
    Directory,
    Tiff,
    orientation_of,
)
from editqueue.domain.errors import BrokenPicture
from editqueue.ports.bucket import ByteSource

WALKED = frozenset({
    "3fr", "arw", "cr2", "cr3", "dcr", "dng", "erf", "iiq", "kdc", "mef", "mos", "nef", "orf", "pef", "raf", "raw",
    "rw2", "srw",
})  # fmt: skip
"""Kinds of raws whose directories are read here, as `detect` names them; `raw` is a camera's of an unknown maker."""
RAW_KINDS = WALKED | {"crw", "mrw", "x3f"}
BLOCK = 16 * 1024
BLOCKS_KEPT = 16
MOST_CANDIDATES = 12
TORN = 64 * 1024
"""Bytes that a directory may claim behind the end: some cameras count a little too far."""

JPEG, JPEG_LENGTH, PANASONIC_JPEG = 0x201, 0x202, 0x2E
JPEG_COMPRESSIONS = {6, 7}
RAF_PREVIEW = 84
"""Where a RAF says offset and length of its preview."""
PREVIEW_UUID = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")
CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    offset: int
    length: int
    width: int
    height: int
    orientation: int
    """Of the raw file, 1 to 8: counts where the JPEG itself has none."""
    sensor_is_wide: bool
    """Whether the sensor picture, before any turn, is at least as wide as high; True where it is unknown."""

    def turn(self, own: int | None) -> int:
        """How to turn the JPEG, as EXIF counts it: 1 if it says so itself (`own`) or is turned by a quarter already."""
        upright = self.orientation >= 5 and self.sensor_is_wide and self.height > self.width
        return 1 if own is not None or upright else self.orientation


class Place(NamedTuple):
    """What may be a JPEG."""

    offset: int
    length: int
    edge: int = 0
    """The long edge that its directory claims; 0 if it claims none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    places: Sequence[Place] = ()
    orientation: int = 1
    sensor_is_wide: bool = True


def locate_jpeg(source: ByteSource, kind: str, *, long_edge: int) -> Located | None:
    """Where the smallest JPEG of at least `long_edge` is in the raw, else the largest; None if there is none, or
    the raw is of a kind that is not walked.

    Reads blocks of 16 KiB where directories lie. Raises BrokenPicture if the file says that it has more bytes than
    it has.
    """
    if kind not in WALKED:
        return None
    blocks = BlocksKept(source, block=BLOCK, most=BLOCKS_KEPT)
    found = _candidates(blocks, kind)
    best: Located | None = None
    for place in _in_turn(found.places, blocks.size(), long_edge):
        size = jpeg_size(blocks, place.offset, place.offset + place.length)
        if size is not None and (best is None or max(size) > max(best.width, best.height)):
            best = Located(
                offset=place.offset,
                length=place.length,
                width=size[0],
                height=size[1],
                orientation=found.orientation,
                sensor_is_wide=found.sensor_is_wide,
            )
        if size is not None and max(size) >= long_edge:
            break
    return best


def _in_turn(places: Iterable[Place], size: int, long_edge: int) -> list[Place]:
    """Those within the file: small ones first, but last those that claim to be too small, as to look costs a read."""
    known = dict.fromkeys(places)
    within = [place for place in known if 0 < place.offset < place.offset + place.length <= size]
    return sorted(within[:MOST_CANDIDATES], key=lambda place: (0 < place.edge < long_edge, place.length))


def _candidates(source: ByteSource, kind: str) -> _Found:
    if kind == "raf":
        return _Found(places=[Place(*struct.unpack(">II", source.read(RAF_PREVIEW, 8).ljust(8, b"\0")))])
    return _in_cr3(source) if kind == "cr3" else _in_tiff(source)


def _in_tiff(source: ByteSource) -> _Found:
    directories = list(Tiff(source).directories())
    if any(directory.end() > source.size() + TORN for directory in directories):
        raise BrokenPicture("the file ends before its pictures do")
    sizes = [(directory.number(WIDTH), directory.number(HEIGHT)) for directory in directories]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    return _Found(
        places=[place for directory in directories for place in _places(directory)],
        orientation=_orientation(directories),
        sensor_is_wide=width >= height,
    )


def _orientation(directories: Iterable[Directory]) -> int:
    return next((said for directory in directories if (said := orientation_of(directory)) is not None), 1)


def _places(directory: Directory) -> Iterator[Place]:
    if directory.number(JPEG) and directory.number(JPEG_LENGTH):
        yield Place(directory.number(JPEG), directory.number(JPEG_LENGTH))
    if (panasonic := directory.entries.get(PANASONIC_JPEG)) is not None:  # its value is the JPEG itself
        yield Place(directory.tiff.number(panasonic.field), panasonic.length)
    strips, lengths = directory.numbers(STRIP), directory.numbers(STRIP_LENGTH)
    if len(strips) == len(lengths) == 1 and directory.number(COMPRESSION) in JPEG_COMPRESSIONS:
        yield Place(strips[0], lengths[0], max(directory.number(WIDTH), directory.number(HEIGHT)))


def _in_cr3(source: ByteSource) -> _Found:
    places, orientation = list[Place](), 1
    for box in boxes(source):
        if box.name == b"moov":
            orientation = _canon_orientation(source, box)
        if box.name == b"mdat" and box.end > source.size():
            raise BrokenPicture("the file ends before its pictures do")
        if box.name == b"uuid" and source.read(box.start, UUID) == PREVIEW_UUID:
            places = [_canon_preview(source, box)]
    return _Found(places=places, orientation=orientation)


def _canon_preview(source: ByteSource, box: Box) -> Place:
    """PRVW: 8 bytes, then a box of 16 more, the last 4 the length of the JPEG behind them."""
    start = box.start + UUID + 8
    piece = source.read(start, 24)
    return Place(start + 24, int.from_bytes(piece[20:24], "big")) if piece[4:8] == b"PRVW" else Place(0, 0)


def _canon_orientation(source: ByteSource, moov: Box) -> int:
    """In a box of Canon's inside the `moov` box lies a TIFF of its own."""
    for box in boxes(source, moov.start, moov.end):
        if box.name == b"uuid" and source.read(box.start, UUID) == CANON_UUID:
            for inner in boxes(source, box.start + UUID, box.end):
                if inner.name == b"CMT1":
                    return _orientation(Tiff(source, inner.start).directories())
    return 1
