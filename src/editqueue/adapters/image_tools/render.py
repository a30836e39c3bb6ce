"""Pictures to previews: upright, sRGB, long edge 1280 px, no metadata.

The way for each format, with its reasons and traps, was measured beforehand: shrink-on-load for JPEG,
`fail_on` by explicit loader (thumbnail_buffer ignores its own), a profile's conversion only where one is.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import resource
import time
from collections.abc import Callable, Mapping
from typing import Any

from editqueue.adapters.image_tools.decoders import libraw
from editqueue.adapters.image_tools.decoders.clip import poster
from editqueue.adapters.image_tools.decoders.heic import decode, open_heic
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import decoding, vips
from editqueue.adapters.image_tools.formats.byte_source import HeadKept
from editqueue.adapters.image_tools.formats.camera_raw import Embedded, embedded_jpeg
from editqueue.adapters.image_tools.formats.detect import format_of
from editqueue.domain.errors import NoToolForFormat
from editqueue.ports.bucket import ByteSource
from editqueue.ports.image_tools import Preview

LONG_EDGE = 1280
QUALITY = 82
SMALLEST_EMBEDDED = 640
"""Long edge of a camera's preview that is better than none, where no LibRaw is installed."""

Renderer = Callable[[ByteSource, PixelLimits], tuple[Any, str]]


def render_preview(file: ByteSource, *, caps: PixelLimits | None = None) -> Preview:
    """The preview of one file. Raises as `ImageTools.make_preview` does."""
    started = time.process_time()
    source = HeadKept(file)
    source_format = format_of(source)
    renderer = RENDERERS.get(source_format)
    if renderer is None:
        raise NoToolForFormat(f"no installed tool reads {source_format}")
    with decoding():
        image, path = renderer(source, caps or PixelLimits())
        body: bytes = image.jpegsave_buffer(Q=QUALITY, keep="none", subsample_mode="on")
    return Preview(
        body=body,
        width=image.width,
        height=image.height,
        source_format=source_format,
        path=path,
        bytes_read=source.bytes_read,
        cpu_seconds=time.process_time() - started,
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _jpeg(source: ByteSource, caps: PixelLimits) -> tuple[Any, str]:
    return _from_jpeg(_whole(source, caps), caps), "vips-shrink-on-load"


def _from_jpeg(body: bytes, caps: PixelLimits, container: Embedded | None = None) -> Any:
    header = vips().Image.jpegload_buffer(body)
    caps.check(header.width, header.height, caps.whole if _says(header, "jpeg-multiscan") else caps.streamed)
    shrink = shrink_on_load(max(header.width, header.height))
    while shrink > min(header.width, header.height):  # a strip must not shrink to nothing
        shrink //= 2
    image = vips().Image.jpegload_buffer(body, shrink=shrink, fail_on="error", access="sequential")
    if container is not None:
        image = _turned_as(container, image)
    options = _options(image)
    return _eight_bit(_resampled(image).thumbnail_image(LONG_EDGE, **options))


def _resampled(image: Any) -> Any:
    """At preview size, still as the file has it turned and coloured; CMYK is left to thumbnail_image.

    A cubic kernel on what the decoder has shrunk already: a tenth less CPU than thumbnail_image's lanczos3, for
    0.0002 of SSIM against a full decode.
    """
    scale = LONG_EDGE / max(image.width, image.height)
    if scale >= 1 or image.interpretation not in {"srgb", "b-w"}:
        return image
    return image.resize(scale, kernel="cubic")


def _turned_as(container: Embedded, image: Any) -> Any:
    """With the orientation of the raw, unless the JPEG has one itself or is turned by a quarter already."""
    upright = container.orientation >= 5 and container.sensor_is_wide and container.height > container.width
    if _has(image, "orientation") or upright:
        return image
    image = image.copy()
    image.set_type(vips().GValue.gint_type, "orientation", container.orientation)
    return image


def _plain(source: ByteSource, caps: PixelLimits) -> tuple[Any, str]:
    """PNG, WebP and TIFF."""
    body = _whole(source, caps)
    header = vips().Image.new_from_buffer(body, "")
    caps.check(header.width, header.height, caps.whole if _says(header, "interlaced") else caps.streamed)
    return _thumbnail(body, header), "vips-thumbnail"


def _avif(source: ByteSource, caps: PixelLimits) -> tuple[Any, str]:
    body = _whole(source, caps)
    header = vips().Image.new_from_buffer(body, "")
    caps.check(header.width, header.height, caps.heif)
    return _thumbnail(body, header), "vips-thumbnail"


def _heic(source: ByteSource, caps: PixelLimits) -> tuple[Any, str]:
    picture = open_heic(_whole(source, caps))
    width, height = picture.size
    caps.check(width, height, caps.heif)
    image = decode(picture)
    return _flat(image.thumbnail_image(LONG_EDGE, **_options(image))), "heif-vips"


def _clip(source: ByteSource, caps: PixelLimits) -> tuple[Any, str]:
    return poster(source, caps, long_edge=LONG_EDGE).copy_memory(), "pyav-poster"


def _raw(kind: str) -> Renderer:
    """The smallest large enough preview of the camera's, else LibRaw's picture, else the largest preview."""

    def render(source: ByteSource, caps: PixelLimits) -> tuple[Any, str]:
        found = embedded_jpeg(source, kind, long_edge=LONG_EDGE)
        if found is not None and max(found.width, found.height) >= LONG_EDGE:
            return _from_jpeg(found.body, caps, found), "embedded-jpeg"
        if libraw.installed():
            image = libraw.develop(_whole(source, caps), kind, caps, long_edge=LONG_EDGE)
            return _flat(image.thumbnail_image(LONG_EDGE, **_options(image))), "libraw"
        if found is not None and max(found.width, found.height) >= SMALLEST_EMBEDDED:
            return _from_jpeg(found.body, caps, found), "embedded-jpeg-small"
        raise NoToolForFormat(f"no installed tool reads this {kind}: pip install 'editqueue[raw]'")

    return render


RENDERERS: Mapping[str, Renderer] = {
    "jpeg": _jpeg,
    "png": _plain,
    "webp": _plain,
    "tiff": _plain,
    "avif": _avif,
    "heic": _heic,
    **{kind: _raw(kind) for kind in ("arw", "cr2", "cr3", "dng", "nef", "orf", "pef", "raf", "rw2", "srw")},
    "mp4": _clip,
}


def shrink_on_load(long_edge: int) -> int:
    """How far the JPEG decoder itself shrinks: the largest of 8, 4, 2 that leaves enough pixels.

    sharp takes one step less between 4 and 5: a third more work for 0.001 of SSIM against a full decode.
    """
    return next((one for one in (8, 4, 2) if long_edge >= one * LONG_EDGE), 1)


def _thumbnail(body: bytes, header: Any) -> Any:
    options = _options(header) | {"option_string": "[fail_on=error]"}
    return _flat(vips().Image.thumbnail_buffer(body, LONG_EDGE, **options))


def _options(image: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"height": LONG_EDGE, "size": "down"}
    # On a picture without a profile the conversion changes nothing and costs 150 ms.
    return options | {"output_profile": "srgb"} if _has(image, "icc-profile-data") else options


def _flat(image: Any) -> Any:
    """White behind transparency, 8 bit sRGB, in memory: every error of the decoder surfaces here."""
    if image.hasalpha():
        image = image.flatten(background=[_white(image)])
    return _eight_bit(image).copy_memory()


def _eight_bit(image: Any) -> Any:
    """8 bit sRGB. Errors of a decoder that is not at its end surface when the picture is written."""
    if image.interpretation != "srgb":
        image = image.colourspace("srgb")
    if image.format != "uchar":
        image = image.cast("uchar")
    return image


def _white(image: Any) -> int:
    return 65_535 if image.format == "ushort" else 255


def _has(image: Any, field: str) -> bool:
    return image.get_typeof(field) != 0


def _says(image: Any, field: str) -> bool:
    """Some flags are there and 0."""
    return _has(image, field) and bool(image.get(field))


def _whole(source: ByteSource, caps: PixelLimits) -> bytes:
    caps.check_bytes(source.size())
    return source.read_all()
