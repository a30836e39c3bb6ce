"""HEIC through libheif (pillow-heif): the libvips of the wheel has no HEVC decoder."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from importlib.util import find_spec
from typing import Any

from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.formats.isobmff import check_extents
from editqueue.domain.errors import BrokenPicture, NoToolForFormat, OverLimit, PermanentError

BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
FAILURES = (ValueError, RuntimeError, EOFError, OSError, SyntaxError, LookupError, TypeError, ArithmeticError)
"""What pillow-heif raises for files it cannot read; it does not check every number of theirs."""


def open_heic(body: bytes) -> Any:
    """The opened, not yet decoded picture. Raises BrokenPicture, and NoToolForFormat without pillow-heif."""
    if find_spec("pillow_heif") is None:
        raise NoToolForFormat("no installed tool reads heic: pip install 'editqueue[heic]'")
    check_extents(body)
    import pillow_heif  # noqa: PLC0415  # 110 ms, only where pictures are decoded

    try:
        picture = pillow_heif.open_heif(body)
        _ = picture.size  # asks for the primary picture, which may not be there
        return picture
    except FAILURES as error:
        raise _broken(error) from error


def decode(picture: Any) -> Any:
    """The pixels as a libvips image, 8 bit, with the profile.

    libheif has already turned it as the file says; the EXIF orientation, which repeats that, is not kept.
    """
    try:
        pixels, bands = _tight(picture), BANDS[picture.mode]
    except FAILURES as error:
        raise _broken(error) from error
    image = vips().Image.new_from_memory(pixels, *picture.size, bands, "uchar")
    image = image.copy(interpretation="b-w" if bands < 3 else "srgb")
    profile = picture.info.get("icc_profile")
    if profile:
        image.set_type(vips().GValue.blob_type, "icc-profile-data", profile)
    return image


def _tight(picture: Any) -> Any:
    """The rows without the padding after each."""
    (width, height), bands = picture.size, BANDS[picture.mode]
    data, stride, row = picture.data, picture.stride, width * bands
    if stride == row:
        return data
    rows = memoryview(data)
    return b"".join(rows[at : at + row] for at in range(0, stride * height, stride))


def _broken(error: Exception) -> PermanentError:
    if "Memory allocation" in str(error):
        return OverLimit(f"needs more memory than a worker may have: {str(error)[:200]}")
    return BrokenPicture(f"cannot be decoded: {str(error)[:200]}")
