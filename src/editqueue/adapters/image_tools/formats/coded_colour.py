"""What a HEIC, HIF or AVIF says of its colours: light, range, whether it is grey (ISO/IEC 23008-12, 14496-15)."""

from collections.abc import Iterator
from dataclasses import dataclass

from editqueue.adapters.image_tools.formats.isobmff import FULL_BOX, Box, boxes
from editqueue.ports.bucket import ByteSource

PQ, HLG = 16, 18
"""Transfer characteristics in ITU-T H.273: SMPTE ST 2084, and ARIB STD-B67."""
CODECS = frozenset({b"hvc1", b"hev1", b"av01"})
"""Items that libheif in the wheels decodes."""
MOST_INDEX = 1024 * 1024
"""Bytes of an index that are searched for items."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodedColour:
    primaries: int | None = None
    transfer: int | None = None
    """These two as H.273 counts them; None where it says nothing."""
    full_range: bool | None = None
    """None where only the coded picture says so."""
    grey: bool = False
    half_colour: bool = False
    """Coded as 4:2:2, as cameras do and phones do not."""

    @property
    def high_range(self) -> int | None:
        """The transfer of a picture that must be tone mapped."""
        return self.transfer if self.transfer in {PQ, HLG} else None


def coded_colour(source: ByteSource) -> CodedColour:
    """By the properties in the index, whichever picture they belong to: cameras write them once."""
    properties = list(_properties(source))
    colours = [source.read(box.start, 11) for box in properties if box.name == b"colr"]
    said = next((body for body in colours if body[:4] == b"nclx" and len(body) == 11), b"")
    av1 = [source.read(box.start, 4) for box in properties if box.name == b"av1C"]
    hevc = [source.read(box.start, 17) for box in properties if box.name == b"hvcC"]
    greys = [body[2:3] and body[2] >> 4 & 1 == 1 for body in av1] + [body[16:] and body[16] & 3 == 0 for body in hevc]
    return CodedColour(
        primaries=int.from_bytes(said[4:6], "big") if said else None,
        transfer=int.from_bytes(said[6:8], "big") if said else None,
        full_range=bool(said[10] >> 7) if said else None,
        grey=bool(greys) and all(greys),
        half_colour=any(body[16:] and body[16] & 3 == 2 for body in hevc),
    )


def has_still_and_sequence(source: ByteSource) -> tuple[bool, bool]:
    """Whether pictures stand in an index of stills, and whether some are frames of a track."""
    names = [box.name for box in boxes(source)]
    return b"meta" in names, b"moov" in names


def unread_codec(source: ByteSource) -> bool:
    """Whether its index names no item of a codec that is read: JPEG, AVC, VVC, uncompressed pixels."""
    meta = next((box for box in boxes(source) if box.name == b"meta"), None)
    if meta is None:
        return False
    index = source.read(meta.start, min(meta.end - meta.start, MOST_INDEX))
    return not any(codec in index for codec in CODECS)


def _properties(source: ByteSource) -> Iterator[Box]:
    inside = [(b"meta", FULL_BOX), (b"iprp", 0), (b"ipco", 0)]
    found = list(boxes(source))
    for name, skipped in inside:
        box = next((box for box in found if box.name == name), None)
        if box is None:
            return
        found = list(boxes(source, box.start + skipped, min(box.end, source.size())))
    yield from found
