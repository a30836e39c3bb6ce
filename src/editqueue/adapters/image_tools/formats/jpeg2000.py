"""What must be known of a JPEG 2000 before it is decoded: its profile, how often it can be halved (ISO/IEC 15444-1)."""

from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.isobmff import boxes

HEADER_BYTES = 4096
"""Of a codestream, in which its coding style stands."""
CODING_STYLE = 0x52
MOST_SEGMENTS = 32
MOST_LEVELS = 32


def profile_of(body: bytes) -> bytes | None:
    """The ICC profile in the header of a JP2; none of a bare codestream."""
    source = BytesSource(body)
    header = next((box for box in boxes(source) if box.name == b"jp2h"), None)
    if header is None:
        return None
    for box in boxes(source, header.start, min(header.end, len(body))):
        if box.name == b"colr" and body[box.start : box.start + 1] in {b"\2", b"\3"}:
            return body[box.start + 3 : box.end] or None
    return None


def levels_of(body: bytes) -> int:
    """How often its size can be halved while decoding; 0 where it does not say."""
    at = body.find(b"\xff\x4f\xff\x51") + 2
    piece = body[at : at + HEADER_BYTES]
    at = 0
    for _ in range(MOST_SEGMENTS):
        if at + 10 > len(piece) or piece[at] != 0xFF:
            return 0
        if piece[at + 1] == CODING_STYLE:
            return min(piece[at + 9], MOST_LEVELS)
        at += 2 + int.from_bytes(piece[at + 2 : at + 4], "big")
    return 0
