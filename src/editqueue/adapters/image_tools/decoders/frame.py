"""A decoded frame of a clip as an upright sRGB picture: its size, colour matrix, transfer and turn."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any

from editqueue.adapters.image_tools.decoders.tone_mapping import HLG, PQ, tone_mapped
from editqueue.adapters.image_tools.decoders.vips import vips, without_padding

BT709, BT601, UNSPECIFIED = 1, 5, 2
"""Colour matrices in ITU-T H.273."""
TURNS = {90: "rot270", 180: "rot180", 270: "rot90"}
"""FFmpeg's rotation turns to the left, libvips to the right."""
BLACK = 24
"""Of 255: all of a frame darker than this, all but a few specks, is no poster."""


def is_black(frame: Any) -> bool:
    small = frame.reformat(width=64, height=36, format="gray", interpolation="AREA")
    plane = small.planes[0]
    pixels = sorted(bytes(without_padding(plane, row=64, stride=plane.line_size, height=36)))
    return pixels[int(len(pixels) * 0.98)] < BLACK


def to_srgb(frame: Any, stream: Any, *, long_edge: int) -> Any:
    """A libvips image, 8 bit, upright, no side longer than `long_edge`."""
    width, height = _shown_size(frame, stream, long_edge)
    wide = _transfer(frame, stream) in {PQ, HLG}
    small = frame.reformat(
        width=width,
        height=height,
        format="rgb48le" if wide else "rgb24",
        src_colorspace=_matrix(frame),
        interpolation="LANCZOS",
    )
    image = packed(small, "ushort" if wide else "uchar")
    if wide:
        image = tone_mapped(image, _transfer(frame, stream))
    turn = TURNS.get(round(frame.rotation) % 360)
    return getattr(image, turn)() if turn else image


def _shown_size(frame: Any, stream: Any, long_edge: int) -> tuple[int, int]:
    """With square pixels, never enlarged."""
    aspect = float(stream.sample_aspect_ratio or 1)
    aspect = aspect if 0.1 < aspect < 10 else 1.0
    width, height = frame.width * aspect, float(frame.height)
    scale = min(1.0, long_edge / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _matrix(frame: Any) -> int:
    """How its colours became brightness and two differences; untagged clips go by their size, as players do."""
    if frame.colorspace != UNSPECIFIED:
        return frame.colorspace
    return BT709 if frame.height >= 720 else BT601


def _transfer(frame: Any, stream: Any) -> int:
    return frame.color_trc if frame.color_trc != UNSPECIFIED else stream.codec_context.color_trc


def packed(frame: Any, kind: str, *, bands: int = 3) -> Any:
    """A frame of RGB or grey pixels as a libvips image of `kind`, "uchar" or "ushort"."""
    plane = frame.planes[0]
    row = frame.width * bands * (2 if kind == "ushort" else 1)
    body = without_padding(plane, row=row, stride=plane.line_size, height=frame.height)
    image = vips().Image.new_from_memory(bytes(body), frame.width, frame.height, bands, kind)
    return image.copy(interpretation="b-w" if bands == 1 else "srgb")
