"""Sizes and turns of pictures, read from their first bytes without decoding anything."""

from typing import NamedTuple

from editqueue.adapters.image_tools.formats.camera_raw import MOST_SEGMENTS, ORIENTATION, jpeg_size
from editqueue.domain.errors import BrokenPicture
from editqueue.ports.bucket import ByteSource

EXIF = b"Exif\0\0"
MOST_TAGS = 256


class Header(NamedTuple):
    width: int
    height: int
    """As stored, before any turn."""
    orientation: int | None
    """EXIF, 1 to 8; None where the picture says nothing."""


def header_of(source: ByteSource, kind: str) -> Header | None:
    """Of a `jpeg`, `png` or `webp`; None for others. Raises BrokenPicture where there is no size."""
    if kind == "jpeg":
        return jpeg_header(source, 0, source.size())
    sizes = {"png": _png_size, "webp": _webp_size}
    if kind not in sizes:
        return None
    width, height = sizes[kind](source.read(0, 30).ljust(30, b"\0"))
    if not width or not height:
        raise BrokenPicture(f"this {kind} has no size")
    return Header(width, height, None)


def jpeg_header(source: ByteSource, at: int, end: int) -> Header:
    """Of the JPEG from `at` to `end`. Raises BrokenPicture where its size is missing."""
    size = jpeg_size(source, at, end)
    if size is None or 0 in size:
        raise BrokenPicture("this jpeg has no frame that can be decoded")
    return Header(*size, _jpeg_orientation(source, at, end))


def _png_size(head: bytes) -> tuple[int, int]:
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _webp_size(head: bytes) -> tuple[int, int]:
    """RFC 9649: simple lossy, simple lossless, extended."""
    match head[12:16]:
        case b"VP8 ":
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case _:
            return 0, 0


def _jpeg_orientation(source: ByteSource, at: int, end: int) -> int | None:
    at += 2
    for _ in range(MOST_SEGMENTS):
        piece = source.read(at, 10)
        if at + 10 > end or len(piece) < 10 or piece[0] != 0xFF or 0xC0 <= piece[1] <= 0xC2:
            return None
        length = int.from_bytes(piece[2:4], "big")
        if piece[1] == 0xE1 and piece[4:10] == EXIF:
            return _tiff_orientation(source.read(at + 10, length - 8))
        at += 2 + length
    return None


def _tiff_orientation(body: bytes) -> int | None:
    order = "little" if body[:2] == b"II" else "big"
    start = int.from_bytes(body[4:8], order)
    count = min(int.from_bytes(body[start : start + 2], order), MOST_TAGS)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        if int.from_bytes(body[at : at + 2], order) == ORIENTATION:
            value = int.from_bytes(body[at + 8 : at + 10], order)
            return value if 1 <= value <= 8 else None
    return None
