"""Still pictures that libvips reads itself, at preview size.

The way for each format, with its traps, was measured beforehand: shrink-on-load for JPEG, `fail_on` by explicit loader
(thumbnail_buffer ignores its own).
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any

from editqueue.adapters.image_tools.decoders.fitting import (
    eight_bit,
    fit_options,
    fitted,
    has,
    in_memory,
    turned,
    upright_by_xmp,
    with_orientation,
)
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.formats.camera_raw import Located
from editqueue.domain.preview_spec import LONG_EDGE

END_OF_IMAGE = b"\xff\xd9"
DAMAGE = ("premature end of data segment", "bad Huffman code", "instead of RST")
"""What libjpeg only warns of and fills with grey; what else it warns of, sound files of phones have, too."""


def read_jpeg(body: bytes, limits: PixelLimits, *, container: Located | None = None) -> Any:
    """At preview size and in memory.

    `container` is the camera raw that it comes from, if any. Raises OverLimit.
    """
    header = vips().Image.jpegload_buffer(body)
    limits.check(header.width, header.height, limits.whole if _says(header, "jpeg-multiscan") else limits.streamed)
    if not body.endswith(END_OF_IMAGE):  # some cameras leave it out, and what is missing besides is found all the same
        body = bytes(body) + END_OF_IMAGE
    # The largest step that leaves enough pixels. sharp takes one less between 4 and 5: a third more work for 0.001 of
    # SSIM against a full decode.
    long_edge, short_edge = max(header.width, header.height), min(header.width, header.height)
    shrink = next((step for step in (8, 4, 2) if long_edge >= step * LONG_EDGE), 1)
    while shrink > short_edge:  # a strip must not shrink to nothing
        shrink //= 2
    try:
        return _decoded(body, shrink, container, fail_on="warning")
    except vips().Error as error:
        if any(said in str(error) for said in DAMAGE):
            raise
    return _decoded(body, shrink, container, fail_on="error")


def _decoded(body: bytes, shrink: int, container: Located | None, *, fail_on: str) -> Any:
    image = vips().Image.jpegload_buffer(body, shrink=shrink, fail_on=fail_on, access="sequential")
    if container is not None:
        image = _turned_as(container, image)
    elif not has(image, "orientation"):
        image = upright_by_xmp(image)
    options = fit_options(image)
    return eight_bit(_resampled(image).thumbnail_image(LONG_EDGE, **options)).copy_memory()


def read_still(body: bytes, limits: PixelLimits, *, most: int) -> Any:
    """PNG, WebP and GIF (its first picture) of up to `most` pixels; fewer where they must be held whole.

    Raises OverLimit.
    """
    header = vips().Image.new_from_buffer(body, "")
    limits.check(header.width, header.height, limits.whole if _says(header, "interlaced") else most)
    if turned(header) and not has(header, "orientation"):
        image = vips().Image.new_from_buffer(body, "", fail_on="error", access="sequential")
        return fitted(upright_by_xmp(image))
    options = fit_options(header) | {"option_string": "[fail_on=error]"}
    return in_memory(vips().Image.thumbnail_buffer(body, LONG_EDGE, **options))


def _turned_as(container: Located, image: Any) -> Any:
    turn = container.turn(image.get("orientation") if has(image, "orientation") else None)
    return image if turn == 1 else with_orientation(image, turn)


def _resampled(image: Any) -> Any:
    """At preview size, still as the file has it turned and coloured; CMYK is left to thumbnail_image.

    A cubic kernel on what the decoder has shrunk already: a tenth less CPU than thumbnail_image's lanczos3, for
    0.0002 of SSIM against a full decode.
    """
    scale = LONG_EDGE / max(image.width, image.height)
    if scale >= 1 or image.interpretation not in {"srgb", "b-w"}:
        return image
    return image.resize(scale, kernel="cubic")


def _says(image: Any, field: str) -> bool:
    """Some flags are there and 0."""
    return has(image, field) and bool(image.get(field))
