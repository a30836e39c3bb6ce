"""Any picture of libvips at preview size: upright, sRGB, 8 bit."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any

from editqueue.domain.preview_spec import LONG_EDGE


def fitted(image: Any) -> Any:
    """At preview size and in memory, turned as its `orientation` says, its profile converted."""
    return in_memory(image.thumbnail_image(LONG_EDGE, **fit_options(image)))


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
