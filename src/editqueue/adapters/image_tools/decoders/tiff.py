"""TIFF: its main picture through libvips, through Pillow where libvips does not know its kind.

libvips says nothing of tiles that it cannot decode, and leaves them black.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from editqueue.adapters.image_tools.decoders.fitting import fitted, upright_by_xmp
from editqueue.adapters.image_tools.decoders.pillow import read_pillow
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.tiff_picture import TiffPicture, main_picture
from editqueue.domain.errors import BrokenPicture, NoToolForFormat

LIBVIPS = frozenset({1, 2, 3, 4, 5, 7, 8, 32766, 32771, 32773, 32809, 32908, 32909, 32946, 34676, 34677, 50001})
"""Compressions that the libtiff in the wheel of libvips reads."""
OLD_JPEG, LZMA, ZSTD = 6, 34925, 50000
PILLOW = frozenset({OLD_JPEG, LZMA, ZSTD})
"""Those that the libtiff in Pillow's wheel reads besides."""
COLOURS = frozenset({"scrgb", "xyz", "lab", "labs", "labq", "yxy"})
"""Interpretations of numbers that libvips turns into sRGB by itself."""
UNKNOWN_KINDS = (
    "not configured",
    "tiled separate planes not supported",
    "unsupported tiff image type",
    "samples_per_pixel not a whole number of bytes",
    "samples out of range",
    "bad labq format",
    "can not handle image",
    "required field 262 missing",
    "Unsupported JPEG",
    "decoding is not implemented",
)
"""What libvips and libtiff say of a sound file that they do not read."""


def read_tiff(body: bytes, limits: PixelLimits) -> tuple[Any, str]:
    """Its main picture at preview size, and how it was read.

    Raises BrokenPicture, OverLimit, and NoToolForFormat for kinds that nothing installed reads.
    """
    picture = main_picture(BytesSource(body))
    if picture.compression in LIBVIPS:
        try:
            return _by_libvips(body, picture, limits), "vips-thumbnail"
        except vips().Error as error:
            if not any(said in str(error) for said in UNKNOWN_KINDS):
                raise
    if picture.compression not in LIBVIPS | PILLOW or picture.page or picture.below is not None:
        raise NoToolForFormat(f"no installed tool reads this tiff (its compression is {picture.compression})")
    if picture.end > len(body):
        raise BrokenPicture("the file ends before its picture does")
    return fitted(_by_pillow(body, picture, limits)), "pillow"


def _by_pillow(body: bytes, picture: TiffPicture, limits: PixelLimits) -> Any:
    try:
        return read_pillow(body, "tiff", limits)
    except BrokenPicture as error:
        if picture.compression in {LZMA, ZSTD}:
            raise
        raise NoToolForFormat(f"no installed tool reads this kind of tiff: {error}") from error


def _by_libvips(body: bytes, picture: TiffPicture, limits: PixelLimits) -> Any:
    which = {"page": picture.page} | ({} if picture.below is None else {"subifd": picture.below})
    header = vips().Image.tiffload_buffer(body, **which)
    limits.check(header.width, header.height, limits.streamed)
    with _every_tile():
        image = _as_light(vips().Image.tiffload_buffer(body, fail_on="error", access="sequential", **which))
        return fitted(image if picture.turned else upright_by_xmp(image))


def _as_light(image: Any) -> Any:
    """Pictures of other numbers than bytes and 16 bits, as a screen shows them: libvips would cut them off at 255."""
    if image.format in {"uchar", "ushort"}:
        return image
    if image.interpretation in COLOURS:
        return image.colourspace("srgb")
    shown = vips().Operation.call("scale", image.copy_memory())  # whose name an attribute of pictures has, too
    return shown.copy(interpretation="b-w" if image.bands < 3 else "srgb")


@contextmanager
def _every_tile() -> Generator[None]:
    """Raises BrokenPicture for what libtiff says of tiles: libvips passes it on only to who asks for it."""
    library = vips().vips_lib
    library.vips_error_clear()
    yield
    said = vips().ffi.string(library.vips_error_buffer()).decode(errors="replace")
    library.vips_error_clear()
    lines = [line for line in said.splitlines() if line.strip() and not any(odd in line for odd in HARMLESS)]
    if lines:
        raise BrokenPicture(f"cannot be decoded: {'; '.join(lines[:3])[:300]}")


HARMLESS = ("of custom tag",)
"""libtiff calls it an error that it does not know a tag's type."""
