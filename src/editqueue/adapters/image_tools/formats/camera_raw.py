"""The JPEG previews inside camera raws, found by reading a few kilobytes of the file.

Knows TIFF-like raws (CR2, NEF, ARW, DNG, RW2, PEF, SRW), RAF and CR3. Every number of the file is hostile:
what does not fit is no candidate, and no directory is read twice.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from editqueue.adapters.image_tools.formats.byte_source import HEAD_BYTES, BlocksKept, HeadKept
from editqueue.adapters.image_tools.formats.isobmff import UUID, Box, boxes, header
from editqueue.domain.errors import BrokenPicture
from editqueue.ports.bucket import ByteSource

DIRECTORY = 4096
"""Bytes read for a directory; the longest has 256 entries of 12."""
BLOCK = 16 * 1024
BLOCKS_KEPT = 16
MOST_DIRECTORIES = 24
MOST_ENTRIES = 256
MOST_CANDIDATES = 12
MOST_SEGMENTS = 40

WIDTH, HEIGHT, COMPRESSION, ORIENTATION = 0x100, 0x101, 0x103, 0x112
STRIP, STRIP_LENGTH, TILE, TILE_LENGTH, SUB_DIRECTORIES = 0x111, 0x117, 0x144, 0x145, 0x14A
TORN = 64 * 1024
"""Bytes that a directory may claim behind the end: some cameras count a little too far."""
JPEG, JPEG_LENGTH, PANASONIC_JPEG = 0x201, 0x202, 0x2E
JPEG_COMPRESSIONS = {6, 7}
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4}
SHAPES = {3: "H", 4: "I", 13: "I"}

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedded(Located):
    body: bytes


class Place(NamedTuple):
    """What may be a JPEG."""

    offset: int
    length: int
    edge: int = 0
    """The long edge that its directory claims; 0 if it claims none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    places: tuple[Place, ...] = ()
    orientation: int = 1
    sensor_is_wide: bool = True


class _Best(NamedTuple):
    place: Place
    width: int
    height: int


def embedded_jpeg(source: ByteSource, kind: str, *, long_edge: int) -> Embedded | None:
    """The smallest JPEG of at least `long_edge` in the raw, else the largest; None if there is none.

    Reads that JPEG, and what `locate_jpeg` reads. Raises as that does.
    """
    kept = HeadKept(source)
    found = locate_jpeg(kept, kind, long_edge=long_edge)
    if found is None:
        return None
    return Embedded(
        body=kept.read(found.offset, found.length),
        offset=found.offset,
        length=found.length,
        width=found.width,
        height=found.height,
        orientation=found.orientation,
        sensor_is_wide=found.sensor_is_wide,
    )


def locate_jpeg(kept: HeadKept, kind: str, *, long_edge: int) -> Located | None:
    """Where the JPEG is that `embedded_jpeg` gives.

    Reads the first 64 KiB, and blocks of 16 KiB where directories lie further on. Raises BrokenPicture if the file
    says that it has more bytes than it has.
    """
    reader = BlocksKept(kept, block=BLOCK, most=BLOCKS_KEPT)
    found = _find(reader, kind)
    best = _choose(reader, _in_turn(_sane(found.places, reader.size()), long_edge), long_edge)
    if best is None:
        return None
    return Located(
        offset=best.place.offset,
        length=best.place.length,
        width=best.width,
        height=best.height,
        orientation=found.orientation,
        sensor_is_wide=found.sensor_is_wide,
    )


def _choose(reader: BlocksKept, places: Iterable[Place], long_edge: int) -> _Best | None:
    best: _Best | None = None
    for place in places:
        size = jpeg_size(reader, place.offset, place.offset + place.length)
        if size is not None and (best is None or max(size) > max(best[1:])):
            best = _Best(place, *size)
        if size is not None and max(size) >= long_edge:
            break
    return best


def _in_turn(places: Iterable[Place], long_edge: int) -> list[Place]:
    """Small files first, but those that claim to be too small last: looking at them costs a read."""
    return sorted(places, key=lambda place: (0 < place.edge < long_edge, place.length))


def _sane(places: Iterable[Place], size: int) -> list[Place]:
    return [place for place in dict.fromkeys(places) if 0 < place.offset < sum(place[:2]) <= size][:MOST_CANDIDATES]


def _find(reader: BlocksKept, kind: str) -> _Found:
    if kind == "raf":
        return _Found(places=(Place(*struct.unpack(">II", reader.read(84, 8).ljust(8, b"\0"))),))
    if kind == "cr3":
        return _in_cr3(reader)
    return _in_tiff(reader)


# --- TIFF -------------------------------------------------------------------------------------------

Tags = dict[int, tuple[int, ...]]


def _in_tiff(reader: BlocksKept, start: int = 0) -> _Found:
    """Everything in the directories of the TIFF at `start`, and in those below them."""
    directories = list(_directories(reader, start))
    if any(_end(tags) > reader.size() + TORN for tags in directories):
        raise BrokenPicture("the file ends before its pictures do")
    places = [place for tags in directories for place in _places(tags)]
    widest = max(directories, key=lambda tags: _one(tags, WIDTH) * _one(tags, HEIGHT), default=Tags())
    orientation = next((tags[ORIENTATION][0] for tags in directories if tags.get(ORIENTATION)), 1)
    return _Found(
        places=tuple(places),
        orientation=orientation if 1 <= orientation <= 8 else 1,
        sensor_is_wide=_one(widest, WIDTH) >= _one(widest, HEIGHT),
    )


def _directories(reader: BlocksKept, start: int) -> Iterator[Tags]:
    opening = reader.read(start, 8)
    order = "<" if opening[:2] == b"II" else ">"
    waiting = [start + _number(order, opening[4:8])]
    seen: set[int] = set()
    while waiting and len(seen) < MOST_DIRECTORIES:
        at = waiting.pop(0)
        if at in seen or not start < at < reader.size():
            continue
        seen.add(at)
        tags, following = _directory(reader, order, start, at)
        yield tags
        below = tags.get(SUB_DIRECTORIES, ())[:MOST_DIRECTORIES]
        waiting += [start + offset for offset in (*below, following)]


def _directory(reader: BlocksKept, order: str, start: int, at: int) -> tuple[Tags, int]:
    """The tags that matter, and where the next directory is (from the start of the TIFF; 0 for none)."""
    piece = reader.read(at, DIRECTORY)
    count = min(_number(order, piece[:2]), MOST_ENTRIES)
    tags: Tags = {}
    for place in range(2, 2 + 12 * count, 12):
        entry = piece[place : place + 12]
        if len(entry) == 12:
            tags[_number(order, entry[:2])] = _values(reader, order, start, entry)
    return tags, _number(order, piece[2 + 12 * count : 6 + 12 * count])


_WANTED = {
    WIDTH, HEIGHT, COMPRESSION, ORIENTATION, STRIP, STRIP_LENGTH, TILE, TILE_LENGTH, SUB_DIRECTORIES, JPEG, JPEG_LENGTH,
}  # fmt: skip


def _values(reader: BlocksKept, order: str, start: int, entry: bytes) -> tuple[int, ...]:
    tag, kind, many, offset = struct.unpack(order + "HHII", entry)
    if tag == PANASONIC_JPEG:  # the value of this tag is the JPEG itself
        return (offset, many)
    if tag not in _WANTED or kind not in SHAPES or not 0 < many <= MOST_ENTRIES:
        return ()
    length = SIZES[kind] * many
    body = entry[8 : 8 + length] if length <= 4 else reader.read(start + offset, length)
    return struct.unpack(f"{order}{many}{SHAPES[kind]}", body) if len(body) == length else ()


def _end(tags: Tags) -> int:
    """Where the last strip or tile of a directory ends."""
    strips = zip(tags.get(STRIP, ()), tags.get(STRIP_LENGTH, ()), strict=False)
    tiles = zip(tags.get(TILE, ()), tags.get(TILE_LENGTH, ()), strict=False)
    return max((sum(one) for one in (*strips, *tiles)), default=0)


def _places(tags: Tags) -> Iterator[Place]:
    if tags.get(JPEG) and tags.get(JPEG_LENGTH):
        yield Place(tags[JPEG][0], tags[JPEG_LENGTH][0])
    if len(tags.get(PANASONIC_JPEG, ())) == 2:
        yield Place(*tags[PANASONIC_JPEG])
    whole = len(tags.get(STRIP, ())) == 1 == len(tags.get(STRIP_LENGTH, ()))
    if whole and _one(tags, COMPRESSION) in JPEG_COMPRESSIONS:
        yield Place(tags[STRIP][0], tags[STRIP_LENGTH][0], max(_one(tags, WIDTH), _one(tags, HEIGHT)))


def _one(tags: Tags, tag: int) -> int:
    return tags[tag][0] if tags.get(tag) else 0


def _number(order: str, body: bytes) -> int:
    return int.from_bytes(body, "little" if order == "<" else "big")


# --- CR3 --------------------------------------------------------------------------------------------


def _in_cr3(reader: BlocksKept) -> _Found:
    found, at = _Found(), 0
    for _ in range(MOST_DIRECTORIES):
        box = header(reader.read(at, 16), at, reader.size())
        if box is None:
            break
        if box.name == b"moov":
            found = _Found(places=found.places, orientation=_canon_orientation(reader, box))
        if box.name == b"mdat" and box.end > reader.size():
            raise BrokenPicture("the file ends before its pictures do")
        if box.name == b"uuid" and reader.read(box.start, UUID) == PREVIEW_UUID:
            found = _Found(places=(_canon_preview(reader, box),), orientation=found.orientation)
        at = box.end
    return found


def _canon_preview(reader: BlocksKept, box: Box) -> Place:
    """PRVW: 8 bytes, then a box of 16 more, the last 4 the length of the JPEG behind them."""
    start = box.start + UUID + 8
    piece = reader.read(start, 24)
    return Place(start + 24, int.from_bytes(piece[20:24], "big")) if piece[4:8] == b"PRVW" else Place(0, 0)


def _canon_orientation(reader: BlocksKept, moov: Box) -> int:
    body = reader.read(moov.start, min(moov.end - moov.start, HEAD_BYTES))
    for box in boxes(body):
        if box.name == b"uuid" and body[box.start : box.start + UUID] == CANON_UUID:
            for inner in boxes(body, box.start + UUID, box.end):
                if inner.name == b"CMT1":
                    return _in_tiff(reader, moov.start + inner.start).orientation
    return 1


# --- JPEG -------------------------------------------------------------------------------------------


def jpeg_size(reader: ByteSource, at: int, end: int) -> tuple[int, int] | None:
    """Width and height of a JPEG libvips can read (SOF0 to 2; raws hold lossless ones too), or None."""
    if reader.read(at, 3) != b"\xff\xd8\xff":
        return None
    at += 2
    for _ in range(MOST_SEGMENTS):
        piece = reader.read(at, 9)
        if at + 9 > end or len(piece) < 9 or piece[0] != 0xFF:
            return None
        if 0xC0 <= piece[1] <= 0xC2:
            return (int.from_bytes(piece[7:9], "big"), int.from_bytes(piece[5:7], "big"))
        if 0xC3 <= piece[1] <= 0xCF and piece[1] not in {0xC4, 0xC8, 0xCC}:
            return None
        at += 2 + int.from_bytes(piece[2:4], "big")
    return None
