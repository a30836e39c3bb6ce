"""The large pictures that several benches use, made once: noise of 45 megapixels takes its time."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from PIL import Image

from devtools.pictures.heifs import SRGB_LIMITED, Shown, heif_file, hevc, tiled
from devtools.pictures.raws import dng, preview, sensor
from devtools.pictures.samples import encoded, photograph
from devtools.pictures.wide import wide_avif


@cache
def jpeg_24_mp() -> bytes:
    return encoded(photograph(6000, 4000), quality=91, subsampling=2)


@cache
def jpeg_45_mp() -> bytes:
    return encoded(photograph(8192, 5464), quality=91, subsampling=2)


@cache
def heic_12_mp() -> bytes:
    """In tiles of 512 x 512, as phones write it."""
    return heif_file(tiled(photograph(4032, 3024), (512, 512), quality=20))


@cache
def hif_12_mp(*, copy: bool = True) -> bytes:
    """As Sony's cameras write it: 10 bit of 4:2:2 in four tiles, and a copy of 1616 x 1080 beside them."""
    image = photograph(4240, 2832)
    small = image.resize((1616, 1080), Image.Resampling.LANCZOS)
    copies = [Shown(streams=[hevc(small, **_SONY)], width=1616, height=1080)] if copy else []
    return heif_file(tiled(image, (2176, 1472), **_SONY), *copies, colours=SRGB_LIMITED)


@cache
def avif_12_mp() -> bytes:
    return encoded(photograph(4032, 3024), "AVIF", quality=75, speed=9)


@cache
def pq_avif(width: int, height: int) -> bytes:
    """As HDR photos are written: PQ in BT.2020."""
    return wide_avif(photograph(width, height), primaries=9, quality=75, subsampling="4:2:0", speed=9)


_SONY: Mapping[str, Any] = {"pixels": "yuv422p10le", "colours": SRGB_LIMITED, "quality": 20}


@cache
def dng_48_mb() -> bytes:
    """24 MP of 16 bits, an embedded preview of 1620 px and a thumbnail, directories at the end."""
    small, large = (encoded(photograph(*size), quality=88) for size in ((256, 171), (1620, 1080)))
    return dng(preview(small), preview(large), sensor(6000, 4000))
