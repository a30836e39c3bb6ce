"""HEIC through libheif (pillow-heif): the libvips of the wheel has no HEVC decoder."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from editqueue.adapters.image_tools.decoders.fitting import expanded, fitted, fitted_to_screen
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import vips, without_padding
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.coded_colour import coded_colour, unread_codec
from editqueue.adapters.image_tools.formats.isobmff import check_heic
from editqueue.domain.errors import BrokenPicture, NoToolForFormat, OverLimit

BANDS = {
    "L": (1, "uchar"), "LA": (2, "uchar"), "RGB": (3, "uchar"), "RGBA": (4, "uchar"),
    "I;16": (1, "ushort"), "RGB;16": (3, "ushort"), "RGBA;16": (4, "ushort"),
}  # fmt: skip
UNREAD = "Support for this compression format has not been built in"
"""What libheif says of pictures in codecs that its wheel lacks: JPEG, AVC, VVC."""
NOTHING = 1.0
"""Mean brightness, of 255."""
MOST_PROPERTIES = 8
"""Colours that are looked for."""
FAILURES = (ValueError, EOFError, SyntaxError, RuntimeError, OSError, IndexError)
"""What pillow-heif documents for files it cannot read; IndexError where none of their pictures is one."""


def read_heic(body: bytes, limits: PixelLimits) -> Any:
    """The primary picture at preview size, sRGB, 8 bit.

    libheif has already turned it as the file says; the EXIF orientation, which repeats that, is not kept.
    Raises BrokenPicture, OverLimit, and NoToolForFormat without pillow-heif or for what is in no codec of its.
    """
    if find_spec("pillow_heif") is None:
        raise NoToolForFormat("no installed tool reads heic: pip install 'editqueue[heic]'")
    check_heic(body)
    colour = coded_colour(BytesSource(body))
    if colour.half_colour:
        # Some cameras say in the index that the range is limited, and code the full one: the codec's own word counts.
        body = bytes(body).replace(b"colrnclx", b"skipnclx", MOST_PROPERTIES)
    image = _opened(body, limits, deep=colour.high_range is not None)
    if image.bands < 3 and colour.full_range is False:
        image = expanded(image)
    if colour.high_range is not None:
        image = fitted_to_screen(image, colour.high_range, colour.primaries)
    else:
        image = fitted(image)
    if image.avg() < NOTHING:  # libheif says nothing of a coded picture without content
        raise NoToolForFormat("no installed tool finds anything but black in this heic")
    return image


def _opened(body: bytes, limits: PixelLimits, *, deep: bool) -> Any:
    """As libheif gives it, with its profile; with more than 8 bits where it is `deep` or grey."""
    import pillow_heif  # noqa: PLC0415  # 110 ms, only where pictures are decoded

    with _translate_errors(body):
        picture: Any = pillow_heif.open_heif(body, convert_hdr_to_8bit=not deep)
        width, height = picture.size
    limits.check(width, height, limits.heif)
    if picture.mode not in BANDS:
        raise NoToolForFormat(f"no installed tool reads this heic: its pixels are {picture.mode}")
    bands, kind = BANDS[picture.mode]
    with _translate_errors(body):
        data, stride = picture.data, picture.stride
        width, height = picture.size  # which decoding may correct
        row = width * bands * (2 if kind == "ushort" else 1)
        pixels = without_padding(data, row=row, stride=stride, height=height)
    image = vips().Image.new_from_memory(pixels, width, height, bands, kind)
    grey, coloured = ("b-w", "srgb") if kind == "uchar" else ("grey16", "rgb16")
    image = image.copy(interpretation=grey if bands < 3 else coloured)
    profile = picture.info.get("icc_profile")
    if profile:
        image.set_type(vips().GValue.blob_type, "icc-profile-data", profile)
    return image


@contextmanager
def _translate_errors(body: bytes) -> Generator[None]:
    try:
        yield
    except FAILURES as error:
        said = str(error)[:200]
        if "Memory allocation" in said:
            raise OverLimit(f"needs more memory than a worker may have: {said}") from error
        if UNREAD in said or (isinstance(error, IndexError) and unread_codec(BytesSource(body))):
            raise NoToolForFormat(f"no installed tool reads the codec of this heic: {said}") from error
        raise BrokenPicture(f"cannot be decoded: {said}") from error
