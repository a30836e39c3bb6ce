"""Directories of TIFF files and of what is built like them: EXIF, and most camera raws (TIFF 6.0, section 2).

Every number of the file is hostile: what does not fit is no value, and no directory is read twice.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from editqueue.ports.bucket import ByteSource

MOST_DIRECTORIES = 24
"""Of one file: cameras write up to 8."""
MOST_ENTRIES = 256
"""Of one directory."""
MOST_VALUES = 256
"""Of one entry; one with more has none."""
DIRECTORY_BYTES = 4096
"""Read of a directory at once; 256 entries of 12 bytes fit into it, and 200 of a BigTIFF's 20."""

SUB_FILE_TYPE, WIDTH, HEIGHT, BITS = 0xFE, 0x100, 0x101, 0x102
COMPRESSION, PHOTOMETRIC, MAKER, ORIENTATION = 0x103, 0x106, 0x10F, 0x112
STRIP, STRIP_LENGTH = 0x111, 0x117
TILE, TILE_LENGTH, SUB_DIRECTORIES = 0x144, 0x145, 0x14A
_SHAPES = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""Types of values that are numbers here: SHORT, LONG, IFD, and a BigTIFF's LONG8, IFD8."""
_TEXTS = {1, 2, 7}
"""BYTE, ASCII, UNDEFINED."""
MOST_TEXT = 64
"""Bytes of a text that are read."""


class Entry(NamedTuple):
    kind: int
    """Its type, as TIFF numbers them."""
    length: int
    """How many values it has."""
    field: bytes
    """4 bytes, 8 in a BigTIFF: the values themselves where they fit, else where they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """The tags of one directory; values that lie elsewhere are read when they are asked for."""

    tiff: "Tiff"
    entries: Mapping[int, Entry]
    following: int
    """Where the next directory is, from the start of the TIFF; 0 for none."""

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The values of a tag; none where it is not there, is of another type, or has more than MOST_VALUES."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _SHAPES or not 0 < entry.length <= MOST_VALUES:
            return ()
        shape = f"{self.tiff.order}{entry.length}{_SHAPES[entry.kind]}"
        length = struct.calcsize(shape)
        body = self._body(entry, length)
        return struct.unpack(shape, body) if len(body) == length else ()

    def number(self, tag: int) -> int:
        """The first value of a tag; 0 where there is none."""
        return next(iter(self.numbers(tag)), 0)

    def text(self, tag: int) -> bytes:
        """The first MOST_TEXT bytes of a tag that is a text, without spaces and what ends it; empty for others."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _TEXTS:
            return b""
        return self._body(entry, min(entry.length, MOST_TEXT)).partition(b"\0")[0].strip()

    def end(self) -> int:
        """Where the last strip or tile ends; 0 where there are none, or more than MOST_VALUES."""
        strips = zip(self.numbers(STRIP), self.numbers(STRIP_LENGTH), strict=False)
        tiles = zip(self.numbers(TILE), self.numbers(TILE_LENGTH), strict=False)
        return max((offset + length for offset, length in (*strips, *tiles)), default=0)

    def _body(self, entry: Entry, length: int) -> bytes:
        size = entry.length * struct.calcsize(_SHAPES.get(entry.kind, "B"))
        if size <= len(entry.field):
            return entry.field[:length]
        return self.tiff.read(self.tiff.number(entry.field), length)


class Tiff:
    """The TIFF that begins at `start` of a source; its offsets count from there."""

    def __init__(self, source: ByteSource, start: int = 0) -> None:
        self._source = source
        self._start = start
        opening = self._source.read(start, 16)
        self.order = "<" if opening[:2] == b"II" else ">"
        """As `struct` writes it."""
        self._big = self.number(opening[2:4]) == 43
        self.first = self.number(opening[8:16] if self._big else opening[4:8])
        """Where its first directory is."""

    def read(self, at: int, length: int) -> bytes:
        return self._source.read(self._start + at, length)

    def number(self, body: bytes) -> int:
        return int.from_bytes(body, "little" if self.order == "<" else "big")

    def directory(self, at: int) -> Directory:
        """The directory at `at`: up to MOST_ENTRIES of its entries, of a BigTIFF as many as DIRECTORY_BYTES hold."""
        piece = self.read(at, DIRECTORY_BYTES)
        counted, entry, offset = (8, "HHQ8s", 8) if self._big else (2, "HHI4s", 4)
        length = struct.calcsize("<" + entry)
        end = counted + length * min(self.number(piece[:counted]), MOST_ENTRIES)
        table = piece[counted:end]
        rows = struct.iter_unpack(self.order + entry, table[: len(table) // length * length])
        entries = {tag: Entry(*row) for tag, *row in rows}
        return Directory(tiff=self, entries=entries, following=self.number(piece[end : end + offset]))

    def directories(self) -> Iterator[Directory]:
        """Up to MOST_DIRECTORIES, each once: the first, those below it, the next, those below that, and so on."""
        waiting, seen = [self.first], set[int]()
        while waiting and len(seen) < MOST_DIRECTORIES:
            at = waiting.pop(0)
            if at in seen or not 0 < at < self._source.size() - self._start:
                continue
            seen.add(at)
            directory = self.directory(at)
            yield directory
            waiting += [*directory.numbers(SUB_DIRECTORIES)[:MOST_DIRECTORIES], directory.following]


def orientation_of(directory: Directory) -> int | None:
    """As EXIF counts it, 1 to 8; None where the directory says nothing of it that could be."""
    value = directory.number(ORIENTATION)
    return value if 1 <= value <= 8 else None
