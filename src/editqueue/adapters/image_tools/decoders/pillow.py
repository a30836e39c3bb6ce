"""Pictures that only Pillow reads, of the libraries that may be installed: BMP, PSD, JPEG 2000, JPEG XL, odd TIFFs."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import io
import struct
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.formats.jpeg2000 import levels_of, profile_of
from editqueue.adapters.image_tools.formats.jpeg_xl import jpeg_xl_size
from editqueue.adapters.image_tools.formats.tiff import BITS
from editqueue.domain.errors import BrokenPicture, NoToolForFormat
from editqueue.domain.preview_spec import LONG_EDGE

FORMATS: Mapping[str, str] = {"bmp": "BMP", "jp2": "JPEG2000", "jxl": "JXL", "psd": "PSD", "tiff": "TIFF"}
"""As Pillow and its plugin call them."""
AS_8_BIT: Mapping[str, str] = {
    "1": "L", "LA": "LA", "La": "LA", "P": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB",
    "HSV": "RGB",
}  # fmt: skip
"""Pillow's modes that become another one before libvips gets them."""
BANDS: Mapping[str, tuple[int, str, str]] = {
    "L": (1, "uchar", "b-w"), "LA": (2, "uchar", "b-w"), "RGB": (3, "uchar", "srgb"), "RGBA": (4, "uchar", "srgb"),
    "CMYK": (4, "uchar", "cmyk"), "I;16": (1, "ushort", "grey16"),
}  # fmt: skip
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, RuntimeError, struct.error)
"""What Pillow's own readers and its plugin raise for bytes that make no picture."""
NEEDED: Mapping[str, tuple[str, ...]] = {"pillow": ("PIL",), "jxl": ("PIL", "pillow_jxl")}
"""Modules, by the extra that brings them."""
MERGED = 1057
"""The resource of a PSD that says whether it holds a picture of all its layers."""


def read_pillow(body: bytes, kind: str, limits: PixelLimits) -> Any:
    """As a libvips image with its profile, not yet at preview size.

    Raises BrokenPicture, OverLimit, and NoToolForFormat without Pillow or for variants it does not know.
    """
    package = "jxl" if kind == "jxl" else "pillow"
    if any(find_spec(module) is None for module in NEEDED[package]):
        raise NoToolForFormat(f"no installed tool reads this {kind}: pip install 'editqueue[{package}]'")
    if kind == "jxl":
        _prepare_jpeg_xl(body, limits)
    picture = opened(body, kind)
    limits.check(picture.width, picture.height, limits.whole)
    if kind == "psd" and _layers_only(picture):
        raise NoToolForFormat("no installed tool draws the layers of a psd that was saved without their picture")
    if kind == "jp2":
        return to_vips(_loaded_jpeg_2000(picture, body), kind)
    with broken():
        picture.load()
    return to_vips(picture, kind)


def _prepare_jpeg_xl(body: bytes, limits: PixelLimits) -> None:
    """The plugin decodes while it opens."""
    import pillow_jxl  # noqa: PLC0415, F401  # registers itself  # pyright: ignore[reportMissingImports, reportUnusedImport]  # an extra

    size = jpeg_xl_size(body)
    if size is None:
        raise BrokenPicture("this jxl has no picture")
    limits.check(*size, limits.whole)


def _loaded_jpeg_2000(picture: Any, body: bytes) -> Any:
    """No more of it than a preview needs where that works, with its profile, which Pillow does not look for."""
    halvings, edge = 0, max(picture.size)
    while halvings < levels_of(body) and edge >> (halvings + 1) >= LONG_EDGE:
        halvings += 1
    try:
        with broken():
            picture.reduce = halvings
            picture.load()
    except BrokenPicture:
        if not halvings:
            raise
        picture = opened(body, "jp2")
        with broken():
            picture.load()
    profile = profile_of(body)
    if profile:
        picture.info["icc_profile"] = profile
    return picture


def opened(body: bytes, kind: str) -> Any:
    """Only its header is read. Raises NoToolForFormat for a variant that Pillow does not know."""
    from PIL import Image  # noqa: PLC0415  # only where pictures are decoded

    Image.MAX_IMAGE_PIXELS = None  # ours are the limits that count
    try:
        with broken():
            return Image.open(io.BytesIO(body), formats=(FORMATS[kind],))
    except BrokenPicture as error:
        if kind == "jxl":  # of which no variant is unknown
            raise
        raise NoToolForFormat(f"no installed tool reads this {kind}: {error}") from error


def to_vips(picture: Any, kind: str) -> Any:
    """Raises NoToolForFormat for pixels of a kind that libvips does not know."""
    profile = picture.info.get("icc_profile")
    if picture.mode == "LAB":
        return _lab(picture)
    if picture.mode in AS_8_BIT:
        picture = picture.convert(AS_8_BIT[picture.mode])
    if picture.mode.startswith("I;16") and picture.mode != "I;16":
        picture = picture.convert("I;16")
    if picture.mode not in BANDS:
        raise NoToolForFormat(f"no installed tool reads this {kind}: its pixels are {picture.mode}")
    bands, number, interpretation = BANDS[picture.mode]
    made = vips().Image.new_from_memory(picture.tobytes(), picture.width, picture.height, bands, number)
    if picture.mode == "I;16":
        made = (made * 2 ** (16 - _bits(picture))).cast(number)
    made = made.copy(interpretation=interpretation)
    if profile:
        made.set_type(vips().GValue.blob_type, "icc-profile-data", profile)
    return made


def _bits(picture: Any) -> int:
    """Of grey that Pillow keeps in 16; a TIFF may have used 12 of them."""
    said = getattr(picture, "tag_v2", {}).get(BITS)
    return min(16, said[0]) if isinstance(said, tuple) and said else 16


def _lab(picture: Any) -> Any:
    """CIELAB of 8 bits a channel, as Pillow gives it: lightness 0 to 255, both colours with a sign."""
    made = vips().Image.new_from_memory(picture.tobytes(), picture.width, picture.height, 3, "uchar")
    colours = made.copy(format="char").extract_band(1, n=2)
    return (made[0] * (100 / 255)).bandjoin(colours).copy(interpretation="lab").colourspace("srgb")


def _layers_only(picture: Any) -> bool:
    return any(number == MERGED and data[4:5] == b"\0" for number, _, data in picture.resources)


@contextmanager
def broken() -> Generator[None]:
    """Turns what Pillow raises for a file into BrokenPicture."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except BROKEN as error:
        raise BrokenPicture(f"cannot be decoded: {str(error)[:200]}") from error
