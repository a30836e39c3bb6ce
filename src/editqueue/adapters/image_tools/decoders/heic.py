"""HEIC through libheif (pillow-heif): the libvips of the wheel has no HEVC decoder."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import vips, without_padding
from editqueue.adapters.image_tools.formats.isobmff import check_heic
from editqueue.domain.errors import BrokenPicture, NoToolForFormat, OverLimit

BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
FAILURES = (ValueError, EOFError, SyntaxError, RuntimeError, OSError, IndexError)
"""What pillow-heif documents for files it cannot read; IndexError where none of their pictures is one."""


def read_heic(body: bytes, limits: PixelLimits) -> Any:
    """The primary picture as a libvips image, 8 bit, with its profile.

    libheif has already turned it as the file says; the EXIF orientation, which repeats that, is not kept.
    Raises BrokenPicture, OverLimit, and NoToolForFormat without pillow-heif.
    """
    if find_spec("pillow_heif") is None:
        raise NoToolForFormat("no installed tool reads heic: pip install 'editqueue[heic]'")
    check_heic(body)
    import pillow_heif  # noqa: PLC0415  # 110 ms, only where pictures are decoded

    with _translate_errors():
        picture: Any = pillow_heif.open_heif(body)
        width, height = picture.size
    limits.check(width, height, limits.heif)
    bands = BANDS.get(picture.mode)
    if bands is None:
        raise BrokenPicture(f"cannot be decoded: its pixels are {picture.mode}")
    with _translate_errors():
        data, stride = picture.data, picture.stride
        width, height = picture.size  # which decoding may correct
        pixels = without_padding(data, row=width * bands, stride=stride, height=height)
    image = vips().Image.new_from_memory(pixels, width, height, bands, "uchar")
    image = image.copy(interpretation="b-w" if bands < 3 else "srgb")
    profile = picture.info.get("icc_profile")
    if profile:
        image.set_type(vips().GValue.blob_type, "icc-profile-data", profile)
    return image


@contextmanager
def _translate_errors() -> Generator[None]:
    try:
        yield
    except FAILURES as error:
        if "Memory allocation" in str(error):
            raise OverLimit(f"needs more memory than a worker may have: {str(error)[:200]}") from error
        raise BrokenPicture(f"cannot be decoded: {str(error)[:200]}") from error
