"""Sizes of pictures by their first bytes, without decoding anything."""

from editqueue.adapters.image_tools.formats.jpeg import jpeg_size
from editqueue.domain.errors import BrokenPicture
from editqueue.ports.bucket import ByteSource

HEAD_BYTES = 30
"""Of a PNG or WebP: its size stands in them."""


def stored_size(source: ByteSource, kind: str) -> tuple[int, int] | None:
    """Width and height of a `jpeg`, `png` or `webp`, before any turn; None for other kinds.

    Raises BrokenPicture where there is no size.
    """
    head = source.read(0, HEAD_BYTES).ljust(HEAD_BYTES, b"\0")
    match kind:
        case "jpeg":
            size = jpeg_size(source, 0, source.size()) or (0, 0)
        case "png":
            size = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
        case "webp":
            size = _webp_size(head)
        case _:
            return None
    if 0 in size:
        raise BrokenPicture(f"this {kind} has no size")
    return size


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
