"""From high dynamic range to what a screen shows: PQ or HLG in BT.2020 to sRGB."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from functools import cache
from math import exp
from typing import Any

from editqueue.adapters.image_tools.decoders.vips import vips

PQ, HLG = 16, 18
"""Transfer characteristics in ITU-T H.273: SMPTE ST 2084, and ARIB STD-B67."""
REFERENCE_WHITE = 203.0
"""cd/m2 of white paper in HDR (ITU-R BT.2408)."""
WHITE = 0.8
"""Share of the screen's brightest at which white paper is shown; what is brighter shares the rest."""
KNEE = 0.7
HEADROOM = 16
"""How far above the brightest of the screen light is told apart."""
BT709_PRIMARIES, P3_PRIMARIES = 1, 12
"""Colour primaries in H.273."""
TO_BT709 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
"""Linear BT.2020 to BT.709 (ITU-R BT.2087)."""
P3_TO_BT709 = ((1.2249, -0.2249, 0.0), (-0.0421, 1.0421, 0.0), (-0.0196, -0.0786, 1.0982))
"""Linear Display P3 to BT.709 (SMPTE EG 432-1)."""


def tone_mapped(image: Any, transfer: int, primaries: int | None = None) -> Any:
    """From 16-bit PQ or HLG to 8-bit sRGB: to light, to BT.709, a curve for what is too bright, gamma.

    `primaries` as H.273 counts them; BT.2020 for all that are neither BT.709's nor P3's.
    """
    light = image.maplut(_lights(transfer)) * (WHITE / REFERENCE_WHITE)
    rgb = light if primaries == BT709_PRIMARIES else light.recomb(_matrix(primaries))
    codes = (rgb * (65_536 / HEADROOM)).cast("ushort")  # clips
    return codes.maplut(_tones()).copy(interpretation="srgb")


def _matrix(primaries: int | None) -> Any:
    rows = P3_TO_BT709 if primaries == P3_PRIMARIES else TO_BT709
    return vips().Image.new_from_array([list(row) for row in rows])


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
