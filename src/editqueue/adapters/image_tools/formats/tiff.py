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
"""Read of a directory at once; 256 entries of 12 bytes fit into it."""

ORIENTATION, SUB_DIRECTORIES = 0x112, 0x14A
_SHAPES = {3: "H", 4: "I", 13: "I"}
"""Types of values that are numbers here: SHORT, LONG, IFD."""


class Entry(NamedTuple):
    kind: int
    """Its type, as TIFF numbers them."""
    length: int
    """How many values it has."""
    field: bytes
    """4 bytes: the values themselves where they fit, else where they are."""


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
        body = entry.field[:length] if length <= 4 else self.tiff.read(self.tiff.number(entry.field), length)
        return struct.unpack(shape, body) if len(body) == length else ()

    def number(self, tag: int) -> int:
        """The first value of a tag; 0 where there is none."""
        return next(iter(self.numbers(tag)), 0)


class Tiff:
    """The TIFF that begins at `start` of a source; its offsets count from there."""

    def __init__(self, source: ByteSource, start: int = 0) -> None:
        self._source = source
        self._start = start
        opening = self._source.read(start, 8)
        self.order = "<" if opening[:2] == b"II" else ">"
        """As `struct` writes it."""
        self.first = self.number(opening[4:8])
        """Where its first directory is."""

    def read(self, at: int, length: int) -> bytes:
        return self._source.read(self._start + at, length)

    def number(self, body: bytes) -> int:
        return int.from_bytes(body, "little" if self.order == "<" else "big")

    def directory(self, at: int) -> Directory:
        """The directory at `at`: up to MOST_ENTRIES of its entries."""
        piece = self.read(at, DIRECTORY_BYTES)
        end = 2 + 12 * min(self.number(piece[:2]), MOST_ENTRIES)
        table = piece[2:end]
        rows = struct.iter_unpack(f"{self.order}HHI4s", table[: len(table) // 12 * 12])
        entries = {tag: Entry(*row) for tag, *row in rows}
        return Directory(tiff=self, entries=entries, following=self.number(piece[end : end + 4]))

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
