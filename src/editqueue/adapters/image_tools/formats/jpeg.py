"""JPEG files, segment by segment up to the picture itself (ITU-T T.81, annex B); nothing is decoded."""

from collections.abc import Iterator
from typing import NamedTuple

from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.tiff import Tiff, orientation_of
from editqueue.domain.errors import BrokenPicture
from editqueue.ports.bucket import ByteSource

MOST_SEGMENTS = 40
"""Before the picture itself: in a file that is read piece by piece, each may cost a read."""
SEGMENT_HEAD = 16
"""Bytes read of each; what is asked of a frame or of EXIF stands in them."""

START = b"\xff\xd8\xff"
START_OF_SCAN, EXIF_SEGMENT, COMMENT = 0xDA, 0xE1, 0xFE
APPLICATION_SEGMENTS = range(0xE0, 0xF0)
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
READABLE_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Those that libvips reads; camera raws hold lossless ones, too."""
EXIF = b"Exif\0\0"
PUBLIC = frozenset({0xE0, 0xE2, 0xEE})
"""JFIF, colour profile, Adobe's colour transform: without them the colours would change."""


class Segment(NamedTuple):
    marker: int
    start: int
    """Of its marker; its content starts 4 bytes later."""
    end: int
    head: bytes
    """Its first bytes, marker and length among them."""


def segments(source: ByteSource, start: int, end: int, *, most: int = MOST_SEGMENTS) -> Iterator[Segment]:
    """The segments of the JPEG between `start` and `end`, at most `most`; the header of the first scan is the last."""
    if source.read(start, len(START)) != START:
        return
    at = start + 2
    for _ in range(most):
        head = source.read(at, SEGMENT_HEAD)
        if at + 4 > end or len(head) < 4 or head[0] != 0xFF:
            return
        segment = Segment(head[1], at, at + 2 + int.from_bytes(head[2:4], "big"), head)
        yield segment
        if segment.marker == START_OF_SCAN:
            return
        at = segment.end


def jpeg_size(source: ByteSource, start: int, end: int) -> tuple[int, int] | None:
    """Width and height of the JPEG between `start` and `end`, before any turn; None for none that libvips reads."""
    frame = next((segment for segment in segments(source, start, end) if segment.marker in FRAMES), None)
    if frame is None or frame.marker not in READABLE_FRAMES or len(frame.head) < 9 or frame.start + 9 > end:
        return None
    size = int.from_bytes(frame.head[7:9], "big"), int.from_bytes(frame.head[5:7], "big")
    return size if all(size) else None


def jpeg_orientation(source: ByteSource, start: int, end: int) -> int | None:
    """As the EXIF of the JPEG between `start` and `end` counts it, 1 to 8; None where it says nothing."""
    for segment in segments(source, start, end):
        if segment.marker in FRAMES:
            return None
        if segment.marker == EXIF_SEGMENT and segment.head[4:10] == EXIF:
            tiff = Tiff(BytesSource(source.read(segment.start + 10, segment.end - segment.start - 10)))
            return orientation_of(tiff.directory(tiff.first))
    return None


def without_metadata(jpeg: bytes) -> bytes:
    """The same picture without EXIF, GPS, XMP, IPTC and comments. Raises BrokenPicture for what is no JPEG."""
    if not jpeg.startswith(START):
        raise BrokenPicture("the preview that was made is no jpeg")
    kept = [jpeg[:2]]
    for segment in segments(BytesSource(jpeg), 0, len(jpeg), most=len(jpeg)):
        if segment.marker == START_OF_SCAN:
            return b"".join([*kept, jpeg[segment.start :]])
        private = segment.marker == COMMENT or segment.marker in APPLICATION_SEGMENTS
        if not private or segment.marker in PUBLIC:
            kept.append(jpeg[segment.start : segment.end])
    raise BrokenPicture("the preview that was made has no picture in it")
