"""Files that want to hang, crash or exhaust whoever decodes them, made when a test needs them."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import struct
import zlib
from collections.abc import Callable, Mapping

from devtools.pictures.clips import clip, frames
from devtools.pictures.raws import LONG, SHORT, Directory, dng, preview, sensor
from devtools.pictures.samples import encoded, heif, png, scene
from editqueue.domain.errors import BrokenPicture, NotAPicture, NoToolForFormat, OverLimit, PermanentError

Ending = type[PermanentError] | type[NoToolForFormat]
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='/etc/passwd'/></svg>"


def make_bombs() -> Mapping[str, bytes]:
    return {name: make() for name, (make, _) in BOMBS.items()}


def blank_png(side: int) -> bytes:
    """Interlaced RGBA, and whole: every row is there, of nothing."""
    squeeze = zlib.compressobj(1)
    pieces = (squeeze.compress(bytes(1 + 4 * width) * height) for width, height in _passes(side))
    return png(side, side, depth=8, colour=6, interlaced=True, squeezed=b"".join(pieces) + squeeze.flush())


def _passes(side: int) -> list[tuple[int, int]]:
    """Width and height of the seven pictures of Adam7."""
    starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    return [((side - x + dx - 1) // dx, (side - y + dy - 1) // dy) for x, y, dx, dy in starts]


def claiming(body: bytes, width: int, height: int) -> bytes:
    """A JPEG that says it is of another size."""
    at = next(at for mark in (b"\xff\xc0", b"\xff\xc2") if (at := body.find(mark)) > 0)
    return body[: at + 5] + struct.pack(">HH", height, width) + body[at + 9 :]


def many_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each goes over the whole picture."""
    body = encoded(scene(2000, 1400), progressive=True)
    last = body.rfind(b"\xff\xda")
    return body[:last] + body[last:-2] * count + b"\xff\xd9"


def huge_heic() -> bytes:
    """A HEIC whose ispe says 100,000 x 100,000."""
    body = heif(scene(320, 208))
    at = body.find(b"ispe") + 8
    return body[:at] + struct.pack(">II", 100_000, 100_000) + body[at + 8 :]


def looping_dng() -> bytes:
    """Its first directory is its own next one, and its own child."""
    body = dng(preview(encoded(scene(1300, 870))))
    start = struct.unpack("<I", body[4:8])[0]
    count = struct.unpack("<H", body[start : start + 2])[0]
    body = body[: start + 2 + 12 * count] + struct.pack("<I", start) + body[start + 6 + 12 * count :]
    entry = body.find(struct.pack("<HHI", 0x14A, LONG, 1), start)
    return body[: entry + 8] + struct.pack("<I", start) + body[entry + 12 :]


def huge_sensor() -> bytes:
    """A Bayer picture of 60,000 x 60,000 in a few bytes."""
    small = sensor(64, 64)
    sizes = {0x100: (0x100, LONG, (60_000,)), 0x101: (0x101, LONG, (60_000,)), 0x116: (0x116, LONG, (60_000,))}
    return dng(Directory(entries=tuple(sizes.get(entry[0], entry) for entry in small.entries), jpeg=small.jpeg))


def far_preview() -> bytes:
    """Its preview lies behind the end of the file."""
    table = ((0x103, SHORT, (7,)), (0x117, LONG, (0xFFFFFFF0,)))
    return dng(Directory(entries=table, jpeg=b"\xff\xd8\xff"))


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


BOMBS: Mapping[str, tuple[Callable[[], bytes], tuple[Ending, ...]]] = {
    "empty": (lambda: b"", (NotAPicture,)),
    "text.jpg": (lambda: b"only text, " * 50, (NotAPicture,)),
    "zeros.jpg": (lambda: bytes(100_000), (NotAPicture,)),
    "svg.jpg": (lambda: SVG, (NotAPicture,)),
    "half.jpg": (lambda: _half(encoded(scene())), (BrokenPicture,)),
    "half.heic": (lambda: _half(heif(scene(640, 400))), (BrokenPicture,)),
    "half.png": (lambda: _half(encoded(scene(), "PNG")), (BrokenPicture,)),
    "half.mp4": (lambda: _half(clip(frames(scene(320, 176), 30))), (BrokenPicture,)),
    "half-front.mp4": (lambda: _half(clip(frames(scene(320, 176), 30), front=True)), (BrokenPicture,)),
    "text.mp4": (lambda: b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + b"only text " * 99, (BrokenPicture,)),
    "50k.png": (lambda: png(50_000, 50_000, depth=8, colour=2), (OverLimit,)),
    "20k-interlaced.png": (lambda: png(20_000, 20_000, depth=8, colour=6, interlaced=True), (OverLimit,)),
    "30k-progressive.jpg": (lambda: claiming(encoded(scene(), progressive=True), 30_000, 30_000), (OverLimit,)),
    "65k-baseline.jpg": (lambda: claiming(encoded(scene()), 65_500, 65_500), (OverLimit,)),
    "1500-scans.jpg": (lambda: many_scans(1500), (BrokenPicture,)),
    "huge.heic": (huge_heic, (OverLimit, BrokenPicture)),
    "loop.dng": (looping_dng, (NoToolForFormat, BrokenPicture)),
    "huge.dng": (huge_sensor, (OverLimit, BrokenPicture)),
    "far.dng": (far_preview, (BrokenPicture,)),
}
"""The file, and the errors it may end in: which of them is the decoder's to say."""
