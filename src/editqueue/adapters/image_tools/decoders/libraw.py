"""Camera raws without a usable preview, developed by LibRaw (rawpy)."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

import io
import os
from importlib.util import find_spec
from typing import Any

from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.domain.errors import BrokenPicture, NoToolForFormat, OverLimit


def installed() -> bool:
    return find_spec("rawpy") is not None


def develop(body: bytes, kind: str, limits: PixelLimits, *, long_edge: int) -> Any:
    """The sensor's picture as a libvips image, upright, sRGB, 8 bit; at half size where that is enough.

    Raises NoToolForFormat for a camera LibRaw does not know, BrokenPicture for what it cannot read, OverLimit.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of numpy: each thread takes address space, which is limited
    import rawpy  # noqa: PLC0415  # 260 ms, only where raws are developed

    try:
        with rawpy.imread(io.BytesIO(body)) as raw:
            limits.check(raw.sizes.raw_width, raw.sizes.raw_height, limits.streamed)
            half = max(raw.sizes.width, raw.sizes.height) >= 2 * long_edge
            pixels = raw.postprocess(half_size=half, use_camera_wb=True, output_bps=8)
    except rawpy.LibRawFileUnsupportedError as error:
        raise NoToolForFormat(f"no installed tool reads the {kind} of this camera") from error
    except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawTooBigError) as error:
        raise OverLimit(f"needs more memory than a worker may have: {error}") from error
    except rawpy.LibRawError as error:
        raise BrokenPicture(f"cannot be developed: {error}") from error
    height, width, bands = pixels.shape
    return vips().Image.new_from_memory(pixels.tobytes(), width, height, bands, "uchar").copy(interpretation="srgb")
