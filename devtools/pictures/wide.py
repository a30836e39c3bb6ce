"""Stills of high dynamic range, made when a test needs them."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import io
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

from devtools.pictures.samples import encoded
from editqueue.adapters.image_tools.decoders.tone_mapping import P3_TO_BT709, TO_BT709, hlg_light, pq_light

PRIMARIES = {9: TO_BT709, 12: P3_TO_BT709}
"""As H.273 counts them, and how they become BT.709's."""
WHITE = 203.0
"""cd/m2 of a white wall."""
LIGHTS = {16: pq_light, 18: hlg_light}


def coded_light(image: Image.Image, *, transfer: int, primaries: int) -> np.ndarray[Any, Any]:
    """An sRGB picture as its 16-bit rendition in PQ (16) or HLG (18)."""
    values = np.asarray(image.convert("RGB"), dtype=np.float64) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    if primaries in PRIMARIES:
        linear = (linear @ np.linalg.inv(np.array(PRIMARIES[primaries])).T).clip(0)
    codes = np.arange(65_536)
    lights = np.array([LIGHTS[transfer](code / 65_535) for code in range(65_536)])
    return np.interp(linear * WHITE, lights, codes).astype(np.uint16)


def wide_heic(image: Image.Image, *, transfer: int = 16, primaries: int = 9) -> bytes:
    codes = coded_light(image, transfer=transfer, primaries=primaries)
    made = pillow_heif.from_bytes("RGB;16", image.size, codes.tobytes())
    body = io.BytesIO()
    made.save(
        body,
        quality=95,
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=1,
        full_range_flag=1,
    )
    return body.getvalue()


def wide_avif(image: Image.Image, *, transfer: int = 16, primaries: int = 1, **options: Any) -> bytes:
    codes = coded_light(image, transfer=transfer, primaries=primaries) // 257
    coding: dict[str, Any] = {"quality": 95, "subsampling": "4:4:4", "speed": 10} | options
    body = encoded(Image.fromarray(codes.astype(np.uint8)), "AVIF", **coding)
    at = body.find(b"nclx")
    return body[: at + 5] + bytes([primaries, 0, transfer]) + body[at + 8 :]


def grey_heic(image: Image.Image, *, bits: int) -> bytes:
    codes = np.asarray(image.convert("L")).astype(np.uint16) * 257
    made = pillow_heif.from_bytes("L;16", image.size, codes.tobytes(), bit_depth=bits)
    body = io.BytesIO()
    made.save(body, quality=95)
    return body.getvalue()
