"""The way from each format to its preview: upright, sRGB, long edge 1280 px, no metadata."""
# pyright: reportUnknownVariableType=false

import resource
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from editqueue.adapters.image_tools.decoders import libraw
from editqueue.adapters.image_tools.decoders.avif import read_avif
from editqueue.adapters.image_tools.decoders.clip import first_picture, poster
from editqueue.adapters.image_tools.decoders.coded_still import read_coded, read_small_copy
from editqueue.adapters.image_tools.decoders.fitting import fitted, fitted_to_screen, light_of_profile
from editqueue.adapters.image_tools.decoders.heic import read_heic
from editqueue.adapters.image_tools.decoders.pillow import FORMATS, read_pillow
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.still import read_jpeg, read_still
from editqueue.adapters.image_tools.decoders.tiff import read_tiff
from editqueue.adapters.image_tools.decoders.vips import decoding, vips
from editqueue.adapters.image_tools.formats.byte_source import BytesSource, HeadKept
from editqueue.adapters.image_tools.formats.camera_raw import RAW_KINDS, WALKED, Located, locate_jpeg
from editqueue.adapters.image_tools.formats.coded_colour import has_still_and_sequence
from editqueue.adapters.image_tools.formats.detect import format_of
from editqueue.adapters.image_tools.formats.jpeg import jpeg_size
from editqueue.domain.errors import BrokenPicture, NoToolForFormat
from editqueue.domain.preview_spec import LONG_EDGE, QUALITY, SMALLEST_EMBEDDED
from editqueue.ports.bucket import ByteSource
from editqueue.ports.image_tools import Preview, PreviewCost

Way = Callable[[ByteSource, PixelLimits], tuple[Any, str]]
"""To a libvips image at preview size, and how that way is called."""
Read = Callable[[bytes, PixelLimits], tuple[Any, str]]
"""The same, from the whole file."""


def render_preview(file: ByteSource, *, limits: PixelLimits | None = None) -> Preview:
    """The preview of one file. Raises as `ImageTools.make_preview` does."""
    started = time.process_time()
    source = HeadKept(file)
    source_format = format_of(source)
    way = WAYS.get(source_format)
    if way is None:
        raise NoToolForFormat(f"no installed tool reads {source_format}")
    with decoding():
        image, path = way(source, limits or PixelLimits())
        body: bytes = image.jpegsave_buffer(Q=QUALITY, keep="none", subsample_mode="on")
    return Preview(
        body=body,
        width=image.width,
        height=image.height,
        source_format=source_format,
        path=path,
        cost=PreviewCost(
            bytes_read=source.bytes_read,
            cpu_seconds=time.process_time() - started,
            peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        ),
    )


def _plain(source: ByteSource, limits: PixelLimits) -> tuple[Any, str]:
    return read_still(_whole(source, limits), limits, most=limits.streamed), "vips-thumbnail"


def _by_pillow(kind: str, source: ByteSource, limits: PixelLimits) -> tuple[Any, str]:
    image = read_pillow(_whole(source, limits), kind, limits)
    transfer, primaries = light_of_profile(image)
    if transfer is not None:
        return fitted_to_screen(image, transfer, primaries), "pillow"
    return fitted(image), "pillow"


def _heif(by_libheif: Read, source: ByteSource, limits: PixelLimits) -> tuple[Any, str]:
    """HEIC, HIF and AVIF: the copy that a camera made of the picture, else FFmpeg's decoders, else libheif."""
    copy = read_small_copy(source, limits)
    if copy is not None:
        return copy, "embedded-heif"
    body = _whole(source, limits)
    image = read_coded(body, limits)
    return (image, "ffmpeg") if image is not None else _still_or_first(by_libheif, body, limits)


def _still_or_first(read: Read, body: bytes, limits: PixelLimits) -> tuple[Any, str]:
    """The still; of a sequence whose file has none that can be read, the first picture."""
    whole = BytesSource(body)
    still, sequence = has_still_and_sequence(whole)
    try:
        if still or not sequence:
            return read(body, limits)
    except (BrokenPicture, vips().Error):
        if not sequence:
            raise
    return first_picture(whole, limits, long_edge=LONG_EDGE).copy_memory(), "pyav-first-picture"


def _raw(kind: str, source: ByteSource, limits: PixelLimits) -> tuple[Any, str]:
    """The smallest large enough preview of the camera's, else LibRaw's picture, else the largest preview."""
    found = locate_jpeg(source, kind, long_edge=LONG_EDGE)
    edge = max(found.width, found.height) if found is not None else 0
    if edge < LONG_EDGE and libraw.installed():
        try:
            return _by_libraw(kind, _whole(source, limits), limits)
        except NoToolForFormat:
            if edge < SMALLEST_EMBEDDED:
                raise
    if found is None or edge < SMALLEST_EMBEDDED:
        raise NoToolForFormat(f"no installed tool reads this {kind}: pip install 'editqueue[raw]'")
    image = read_jpeg(source.read(found.offset, found.length), limits, container=found)
    return image, "embedded-jpeg" if edge >= LONG_EDGE else "embedded-jpeg-small"


def _by_libraw(kind: str, body: bytes, limits: PixelLimits) -> tuple[Any, str]:
    """Of kinds that nobody walked, LibRaw knows the JPEG too."""
    inside = libraw.embedded_jpeg(body, kind) if kind not in WALKED else None
    if inside is not None:
        jpeg, turn = inside
        size = jpeg_size(BytesSource(jpeg), 0, len(jpeg))
        if size is not None and max(size) >= LONG_EDGE:
            width, height = size
            container = Located(
                offset=0, length=len(jpeg), width=width, height=height, orientation=turn, sensor_is_wide=True
            )
            return read_jpeg(jpeg, limits, container=container), "embedded-jpeg"
    return fitted(libraw.develop(body, kind, limits, long_edge=LONG_EDGE)), "libraw"


def _whole(source: ByteSource, limits: PixelLimits) -> bytes:
    limits.check_bytes(source.size())
    return source.read(0, source.size())


WAYS: Mapping[str, Way] = {
    "jpeg": lambda source, limits: (read_jpeg(_whole(source, limits), limits), "vips-shrink-on-load"),
    "png": _plain,
    "webp": _plain,
    "gif": lambda source, limits: (read_still(_whole(source, limits), limits, most=limits.whole), "vips-thumbnail"),
    **{kind: partial(_by_pillow, kind) for kind in FORMATS},
    "tiff": lambda source, limits: read_tiff(_whole(source, limits), limits),
    "avif": partial(_heif, lambda body, limits: (read_avif(body, limits), "vips-thumbnail")),
    "heic": partial(_heif, lambda body, limits: (read_heic(body, limits), "heif-vips")),
    **{kind: partial(_raw, kind) for kind in RAW_KINDS},
    "mp4": lambda source, limits: (poster(source, limits, long_edge=LONG_EDGE).copy_memory(), "pyav-poster"),
}
