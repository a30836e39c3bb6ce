"""A decoded frame of a clip to an upright sRGB picture: size, colour matrix, high dynamic range, turn."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from functools import cache
from math import exp
from typing import Any

from editqueue.adapters.image_tools.decoders.vips import vips

PQ, HLG = 16, 18
"""Transfer characteristics in ITU-T H.273: SMPTE ST 2084, and ARIB STD-B67."""
BT709, BT601, BT2020_MATRICES = 1, 5, {9, 10}
BT2020_PRIMARIES = 9
UNSPECIFIED = 2
TURNS = {90: "rot270", 180: "rot180", 270: "rot90"}
"""FFmpeg's rotation turns to the left, libvips to the right."""
BLACK = 24
"""Of 255: all of a frame darker than this, all but a few specks, is no poster."""
REFERENCE_WHITE = 203.0
"""cd/m2 of white paper in HDR (ITU-R BT.2408)."""
WHITE = 0.8
"""Share of the screen's brightest at which white paper is shown; what is brighter shares the rest."""
KNEE = 0.7
HEADROOM = 16
"""How far above the brightest of the screen light is told apart."""
TO_BT709 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
"""Linear BT.2020 to BT.709 (ITU-R BT.2087)."""


def is_black(frame: Any) -> bool:
    small = frame.reformat(width=64, height=36, format="gray", interpolation="AREA")
    plane = small.planes[0]
    rows = memoryview(bytes(plane))
    pixels = sorted(b"".join(rows[at : at + 64] for at in range(0, 36 * plane.line_size, plane.line_size)))
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
    image = _packed(small, "ushort" if wide else "uchar")
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


def _packed(frame: Any, kind: str) -> Any:
    plane = frame.planes[0]
    row = frame.width * 3 * (2 if kind == "ushort" else 1)
    body: Any = memoryview(plane)
    if plane.line_size != row:
        body = b"".join(body[at : at + row] for at in range(0, plane.line_size * frame.height, plane.line_size))
    image = vips().Image.new_from_memory(bytes(body), frame.width, frame.height, 3, kind)
    return image.copy(interpretation="srgb")


def tone_mapped(image: Any, transfer: int) -> Any:
    """From 16-bit PQ or HLG in BT.2020 to 8-bit sRGB: to light, to BT.709, a curve for what is too bright, gamma."""
    light = image.maplut(_lights(transfer)) * (WHITE / REFERENCE_WHITE)
    rgb = light.recomb(vips().Image.new_from_array([list(row) for row in TO_BT709]))
    codes = (rgb * (65_536 / HEADROOM)).cast("ushort")  # clips
    return codes.maplut(_tones()).copy(interpretation="srgb")


@cache
def _lights(transfer: int) -> Any:
    """cd/m2 for each of 65,536 codes."""
    curve: Callable[[float], float] = pq_light if transfer == PQ else hlg_light
    return vips().Image.new_from_array([[curve(code / 65535) for code in range(65536)]]).cast("float")


@cache
def _tones() -> Any:
    """The sRGB value for each of 65,536 steps of light up to HEADROOM."""
    values = [round(255 * _gamma(_rolled_off(HEADROOM * code / 65_536))) for code in range(65_536)]
    return vips().Image.new_from_array([values]).cast("uchar")


def pq_light(code: float) -> float:
    """SMPTE ST 2084: code value 0 to 1 to cd/m2."""
    power = code ** (1 / 78.84375)
    return 10_000 * (max(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)


def hlg_light(code: float) -> float:
    """ITU-R BT.2100 HLG on a display of 1000 cd/m2: code value 0 to 1 to cd/m2, channel by channel."""
    scene = code * code / 3 if code <= 0.5 else (exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return 1000 * scene**1.2


def _rolled_off(light: float) -> float:
    over = (light - KNEE) / (1 - KNEE)
    return light if over < 0 else KNEE + (1 - KNEE) * over / (over + 1)


def _gamma(light: float) -> float:
    """IEC 61966-2-1."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
