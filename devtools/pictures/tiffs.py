"""TIFFs made when a test needs them: tiled ones, reductions below the picture, compressions that few libraries know."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import struct
from typing import Any

from PIL import Image

from editqueue.adapters.image_tools.decoders.vips import vips


def tiled(image: Image.Image, **options: Any) -> bytes:
    """By libvips, in tiles of 128 x 128 pixels."""
    rgb = image.convert("RGB")
    made = vips().Image.new_from_memory(rgb.tobytes(), rgb.width, rgb.height, 3, "uchar")
    return made.copy(interpretation="srgb").tiffsave_buffer(tile=True, **options)


def saying(body: bytes, tag: int, value: int) -> bytes:
    """With another value of a SHORT or LONG in the first directory of a little-endian TIFF."""
    start = struct.unpack_from("<I", body, 4)[0]
    for at in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", body, start)[0], 12):
        if struct.unpack_from("<H", body, at)[0] == tag:
            return body[: at + 8] + struct.pack("<I", value) + body[at + 12 :]
    raise AssertionError(f"no tag {tag}")


def bigtiff(image: Image.Image) -> bytes:
    rgb = image.convert("RGB")
    made = vips().Image.new_from_memory(rgb.tobytes(), rgb.width, rgb.height, 3, "uchar")
    return made.copy(interpretation="srgb").tiffsave_buffer(bigtiff=True)


def grey_tiff(rows: bytes, *, width: int, height: int, bits: int) -> bytes:
    """One strip, not compressed."""
    entries = (
        (256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
        (278, 4, height), (279, 4, len(rows)),
    )  # fmt: skip
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<I", 8 + len(rows)) + rows + struct.pack("<H", len(entries)) + table + bytes(4)
