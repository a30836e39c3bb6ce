"""Width and height of a JPEG XL, by the bits that its codestream begins with (ISO/IEC 18181-1, annex D)."""

from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.isobmff import boxes

CODESTREAM = b"\xff\x0a"
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
"""Width to height."""
SIZES = (9, 13, 18, 30)
"""Bits of a side, by the two bits before it."""


def jpeg_xl_size(body: bytes) -> tuple[int, int] | None:
    """Before any turn; None where there is no codestream."""
    stream = _codestream(body)
    if not stream.startswith(CODESTREAM):
        return None
    bits = _Bits(int.from_bytes(stream[2:16], "little"))
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    if ratio:
        across, down = RATIOS[ratio]
        return height * across // down, height
    return _side(bits, small), height


def _codestream(body: bytes) -> bytes:
    """Its first bytes."""
    if body.startswith(CODESTREAM):
        return body[:16]
    for box in boxes(BytesSource(body)):
        if box.name == b"jxlc":
            return body[box.start : box.start + 16]
        if box.name == b"jxlp":  # behind the number of the part
            return body[box.start + 4 : box.start + 20]
    return b""


def _side(bits: "_Bits", small: int) -> int:
    return (bits.take(5) + 1) * 8 if small else bits.take(SIZES[bits.take(2)]) + 1


class _Bits:
    """The lowest first."""

    def __init__(self, value: int) -> None:
        self._value = value

    def take(self, count: int) -> int:
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        return taken
