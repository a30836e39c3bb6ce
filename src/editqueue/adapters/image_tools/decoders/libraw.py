"""Camera raws without a usable preview, developed by LibRaw (rawpy)."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

import io
import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.domain.errors import BrokenPicture, NoToolForFormat, OverLimit

NOTHING = 8
"""Of 255: LibRaw brightens what it develops, so the noise of a sensor alone is above this."""
FLIPS = {3: 3, 5: 8, 6: 6}
"""LibRaw's turns, as EXIF counts them."""


def installed() -> bool:
    return find_spec("rawpy") is not None


def develop(body: bytes, kind: str, limits: PixelLimits, *, long_edge: int) -> Any:
    """The sensor's picture as a libvips image, upright, sRGB, 8 bit; at half size where that is enough.

    Raises NoToolForFormat for a camera LibRaw does not know, BrokenPicture for what it cannot read or develops to
    nothing, OverLimit.
    """
    with _opened(body, kind) as raw:
        limits.check(raw.sizes.raw_width, raw.sizes.raw_height, limits.streamed)
        half = max(raw.sizes.width, raw.sizes.height) >= 2 * long_edge
        pixels = raw.postprocess(half_size=half, use_camera_wb=True, output_bps=8)
    if pixels.max() < NOTHING:
        raise BrokenPicture("develops to nothing: the sensor's picture is black")
    height, width, bands = pixels.shape
    return vips().Image.new_from_memory(pixels.tobytes(), width, height, bands, "uchar").copy(interpretation="srgb")


def embedded_jpeg(body: bytes, kind: str) -> tuple[bytes, int] | None:
    """The largest JPEG inside and how the raw is turned, as EXIF counts it; None where LibRaw knows of none.

    Raises as `develop` does.
    """
    import rawpy  # noqa: PLC0415  # as below

    with _opened(body, kind) as raw:
        try:
            thumbnail = raw.extract_thumb()
        except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
            return None
        if thumbnail.format is not rawpy.ThumbFormat.JPEG:
            return None
        return bytes(thumbnail.data), FLIPS.get(raw.sizes.flip, 1)


@contextmanager
def _opened(body: bytes, kind: str) -> Generator[Any]:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of numpy: each thread takes address space, which is limited
    import rawpy  # noqa: PLC0415  # 260 ms, only where raws are developed

    try:
        with rawpy.imread(io.BytesIO(body)) as raw:
            yield raw
    except rawpy.LibRawFileUnsupportedError as error:
        raise NoToolForFormat(f"no installed tool reads the {kind} of this camera") from error
    except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawTooBigError) as error:
        raise OverLimit(f"needs more memory than a worker may have: {error}") from error
    except rawpy.LibRawError as error:
        raise BrokenPicture(f"cannot be developed: {error}") from error
