"""Any picture of libvips at preview size: upright, sRGB, 8 bit."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
from typing import Any, Final

from editqueue.adapters.image_tools.decoders.tone_mapping import HLG, PQ, tone_mapped
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.domain.preview_spec import LONG_EDGE


def fitted(image: Any) -> Any:
    """At preview size and in memory, turned as its `orientation` says, its profile converted."""
    return in_memory(image.thumbnail_image(LONG_EDGE, **fit_options(image)))


def fitted_to_screen(image: Any, transfer: int, primaries: int | None) -> Any:
    """A picture of high dynamic range, 16 bit, at preview size and in memory, as a screen shows it."""
    scale = min(1.0, LONG_EDGE / max(image.width, image.height))
    if image.format == "uchar":
        image = (image * 257).cast("ushort").copy(interpretation="rgb16" if image.bands > 2 else "grey16")
    if image.hasalpha():
        image = image.flatten(background=[65_535])
    if scale < 1:
        across, down = (max(1, round(side * scale)) for side in (image.width, image.height))
        image = image.resize(across / image.width, vscale=down / image.height)
    if image.bands == 1:
        image = image.bandjoin([image, image])
    return tone_mapped(image, transfer, primaries).copy_memory()


def light_of_profile(image: Any) -> tuple[int | None, int | None]:
    """Transfer and primaries in H.273, where the profile is of high dynamic range and says so (ICC.1:2022, 9.2.17)."""
    if not has(image, "icc-profile-data"):
        return None, None
    profile = image.get("icc-profile-data")
    count = int.from_bytes(profile[128:132], "big")
    for at in range(132, 132 + 12 * min(count, _MOST_TAGS), 12):
        if profile[at : at + 4] == b"cicp":
            start = int.from_bytes(profile[at + 4 : at + 8], "big")
            value = profile[start + 8 : start + 10]
            if len(value) == 2 and value[1] in {PQ, HLG}:
                return value[1], value[0]
    return None, None


def expanded(image: Any) -> Any:
    """Grey in the limited range of video, 16 to 235 of 255, as full range; transparency stays."""
    most = 65_535 if image.format == "ushort" else 255
    grey = image.extract_band(0).linear(255 / 219, -16 / 219 * most).cast(image.format)
    grey = grey.bandjoin(image.extract_band(1)) if image.bands == 2 else grey
    return grey.copy(interpretation=image.interpretation)


def fit_options(image: Any) -> dict[str, Any]:
    """For libvips' thumbnails."""
    options: dict[str, Any] = {"height": LONG_EDGE, "size": "down"}
    # On a picture without a profile the conversion changes nothing and costs 150 ms.
    return options | {"output_profile": "srgb"} if has(image, "icc-profile-data") else options


def in_memory(image: Any) -> Any:
    """White behind transparency, 8 bit sRGB: every error of the decoder surfaces here."""
    if image.hasalpha():
        white = 65_535 if image.format == "ushort" else 255
        image = image.flatten(background=[white])
    return eight_bit(image).copy_memory()


def eight_bit(image: Any) -> Any:
    """8 bit sRGB. Errors of a decoder that is not at its end surface when the picture is written."""
    if image.interpretation != "srgb":
        image = image.colourspace("srgb")
    if image.format != "uchar":
        image = image.cast("uchar")
    return image


def has(image: Any, field: str) -> bool:
    return image.get_typeof(field) != 0


_IN_XMP: Final = re.compile(rb"tiff:Orientation(?:=[\"']|>)\s*([1-8])\b")
"""As an attribute, or as an element."""
_MOST_TAGS: Final = 64
_XMP_BYTES: Final = 1024 * 1024
"""Looked at."""


def turned(image: Any) -> int | None:
    """The orientation that its XMP says, as EXIF counts it."""
    if not has(image, "xmp-data"):
        return None
    found = _IN_XMP.search(image.get("xmp-data")[:_XMP_BYTES])
    return int(found[1]) if found is not None else None


def upright_by_xmp(image: Any) -> Any:
    """With the orientation of its XMP, if any: libvips knows that of EXIF only."""
    turn = turned(image)
    return image if turn is None else with_orientation(image, turn)


def with_orientation(image: Any, turn: int) -> Any:
    image = image.copy()
    image.set_type(vips().GValue.gint_type, "orientation", turn)
    return image
