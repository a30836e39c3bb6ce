"""AVIF through the libheif of libvips, and what that leaves undone: grey in limited range, profiles for grey."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any

from editqueue.adapters.image_tools.decoders.fitting import expanded, fitted, fitted_to_screen, has
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.coded_colour import coded_colour


def read_avif(body: bytes, limits: PixelLimits) -> Any:
    """The primary picture at preview size, upright, sRGB, 8 bit. Raises OverLimit."""
    header = vips().Image.heifload_buffer(body)
    limits.check(header.width, header.height, limits.heif)
    image = vips().Image.heifload_buffer(body, fail_on="error")
    colour = coded_colour(BytesSource(body))
    if colour.grey:
        image = _grey(image, limited=colour.full_range is False)
    if colour.high_range is not None:
        return fitted_to_screen(image, colour.high_range, colour.primaries)
    return fitted(image)


def _grey(image: Any, *, limited: bool) -> Any:
    """libvips makes three equal bands of it, for which the profile of a grey picture says nothing."""
    grey = image.extract_band(0, n=1)
    grey = grey.bandjoin(image.extract_band(image.bands - 1)) if image.hasalpha() else grey
    grey = grey.copy(interpretation="grey16" if image.format == "ushort" else "b-w")
    if has(grey, "icc-profile-data") and grey.get("icc-profile-data")[16:20] != b"GRAY":
        grey = grey.copy()
        grey.remove("icc-profile-data")
    return expanded(grey) if limited else grey
