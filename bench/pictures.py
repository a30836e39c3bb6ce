"""The large pictures that several benches use, made once: noise of 45 megapixels takes its time."""

from functools import cache

from devtools.pictures.raws import dng, preview, sensor
from devtools.pictures.samples import encoded, heif, photograph


@cache
def jpeg_24_mp() -> bytes:
    return encoded(photograph(6000, 4000), quality=91, subsampling=2)


@cache
def jpeg_45_mp() -> bytes:
    return encoded(photograph(8192, 5464), quality=91, subsampling=2)


@cache
def heic_12_mp() -> bytes:
    return heif(photograph(4032, 3024))


@cache
def dng_48_mb() -> bytes:
    """24 MP of 16 bits, an embedded preview of 1620 px and a thumbnail, directories at the end."""
    small, large = (encoded(photograph(*size), quality=88) for size in ((256, 171), (1620, 1080)))
    return dng(preview(small), preview(large), sensor(6000, 4000))
