"""The index of a HEIC, HIF or AVIF: which items it has, what they are, and where (ISO/IEC 23008-12, 14496-12)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from editqueue.adapters.image_tools.formats.isobmff import FULL_BOX

MOST_ITEMS = 4096
"""And properties, and references: one of 200 megapixels has 800 of the first."""
MOST_EXTENTS = 64
"""Of one item: cameras write one."""


class NotUnderstood(Exception):
    """What is torn, contradicts itself, or is built as no camera does."""


class Extent(NamedTuple):
    start: int
    """In the file."""
    length: int


class Reference(NamedTuple):
    kind: bytes
    """`dimg`, `thmb`, `auxl` ..."""
    item: int
    """From which."""
    others: tuple[int, ...]
    """To which."""


class Property(NamedTuple):
    name: bytes
    body: bytes


class Fields:
    """The numbers of a box, one after the other. Raises NotUnderstood at its end."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, length: int) -> bytes:
        piece = self._body[self._at : self._at + length]
        if len(piece) < length:
            raise NotUnderstood
        self._at += length
        return piece

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def signed(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big", signed=True)


class HeifIndex:
    """What the `meta` box says. Raises NotUnderstood where any of it cannot be so, or lies outside of the file."""

    def __init__(self, meta: bytes, file_size: int) -> None:
        parts: dict[bytes, bytes] = dict(_inner(meta[FULL_BOX:]))
        self.primary = _primary(Fields(parts.get(b"pitm", b"")))
        self.kinds: Mapping[int, bytes] = dict(_kinds(parts.get(b"iinf", b"")))
        """`hvc1`, `av01`, `grid` ..., by item."""
        self.references = tuple(_references(parts.get(b"iref", b"")))
        self.places: Mapping[int, tuple[Extent, ...] | bytes] = dict(
            _places(Fields(parts.get(b"iloc", b"")), parts.get(b"idat", b""), file_size)
        )
        """Where each item lies in the file; of one that lies in the index, its bytes."""
        self._properties = _properties(parts.get(b"iprp", b""))

    def properties(self, item: int) -> Sequence[Property]:
        """In the order of the file."""
        return self._properties.get(item, ())


def _inner(body: bytes) -> Iterator[Property]:
    """The boxes side by side in `body`."""
    at = 0
    for _ in range(MOST_ITEMS):
        if at + 8 > len(body):
            return
        length = int.from_bytes(body[at : at + 4], "big")
        if length < 8 or at + length > len(body):
            raise NotUnderstood
        yield Property(body[at + 4 : at + 8], body[at + 8 : at + length])
        at += length
    raise NotUnderstood


def _primary(pitm: Fields) -> int:
    version = pitm.number(1)
    pitm.take(3)
    return pitm.number(2 if version == 0 else 4)


def _kinds(iinf: bytes) -> Iterator[tuple[int, bytes]]:
    entries = iinf[6 if iinf[:1] == b"\0" else 8 :]
    for name, body in _inner(entries):
        version = body[:1]
        if name == b"infe" and version in {b"\2", b"\3"}:
            fields = Fields(body[FULL_BOX:])
            item = fields.number(2 if version == b"\2" else 4)
            fields.take(2)
            yield item, fields.take(4)


def _references(iref: bytes) -> Iterator[Reference]:
    size = 2 if iref[:1] == b"\0" else 4
    for name, body in _inner(iref[FULL_BOX:]):
        fields = Fields(body)
        item, count = fields.number(size), fields.number(2)
        if count > MOST_ITEMS:
            raise NotUnderstood
        yield Reference(name, item, tuple(fields.number(size) for _ in range(count)))


def _properties(iprp: bytes) -> Mapping[int, Sequence[Property]]:
    parts = list(_inner(iprp))
    known = [each for name, body in parts if name == b"ipco" for each in _inner(body)]
    found: dict[int, Sequence[Property]] = {}
    for name, body in parts:
        if name == b"ipma":
            for item, numbers in _associations(Fields(body)):
                if item in found or any(number > len(known) for number in numbers):
                    raise NotUnderstood
                found[item] = tuple(known[number - 1] for number in numbers if number)
    return found


def _associations(ipma: Fields) -> Iterator[tuple[int, Sequence[int]]]:
    version, flags, count = ipma.number(1), ipma.number(3), ipma.number(4)
    if count > MOST_ITEMS:
        raise NotUnderstood
    size, mask = (2, 0x7FFF) if flags & 1 else (1, 0x7F)
    for _ in range(count):
        item = ipma.number(2 if version == 0 else 4)
        yield item, [ipma.number(size) & mask for _ in range(ipma.number(1))]


def _places(iloc: Fields, idat: bytes, file_size: int) -> Iterator[tuple[int, tuple[Extent, ...] | bytes]]:
    """14496-12, 8.11.3. Items that lie in other items have no place here."""
    version, _, sizes = iloc.number(1), iloc.number(3), iloc.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    count = iloc.number(wide)
    if count > MOST_ITEMS or version > 2:
        raise NotUnderstood
    for _ in range(count):
        item = iloc.number(wide)
        method = iloc.number(2) & 15 if version else 0
        another_file, base, extents = iloc.number(2), iloc.number(base_size), iloc.number(2)
        if extents > MOST_EXTENTS or another_file:
            raise NotUnderstood
        found = list[Extent]()
        for _ in range(extents):
            iloc.take(index_size if version else 0)
            found.append(Extent(base + iloc.number(offset_size), iloc.number(length_size)))
        if method == 0:
            if any(not length or start + length > file_size for start, length in found):
                raise NotUnderstood
            yield item, tuple(found)
        elif method == 1:
            yield item, b"".join(idat[start : start + length] for start, length in found)
