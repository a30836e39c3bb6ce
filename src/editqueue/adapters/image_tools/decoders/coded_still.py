"""HEIC, HIF and AVIF through FFmpeg's decoders (PyAV), at a half to a hundredth of the CPU time of libheif.

Only what is certain to look as libheif shows it; all else gives None, and libheif reads it.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from editqueue.adapters.image_tools.decoders.fitting import fit_options, in_memory
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.tile import Declined, TileDecoder
from editqueue.adapters.image_tools.decoders.tone_mapping import tone_mapped
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.formats.byte_source import HEAD_BYTES
from editqueue.adapters.image_tools.formats.coded_picture import HeifPicture
from editqueue.adapters.image_tools.formats.heif_index import Extent
from editqueue.adapters.image_tools.formats.heif_pictures import heif_pictures
from editqueue.domain.preview_spec import LONG_EDGE
from editqueue.ports.bucket import ByteSource

TURNS = {1: "rot270", 2: "rot180", 3: "rot90"}
"""`irot` turns to the left, libvips to the right."""
FLIPS = ("flipver", "fliphor")
FEWEST = 32
"""Pixels of a side, below which FFmpeg's scaler shows colours that are not there."""

Read = Callable[[Extent], bytes]


def read_small_copy(source: ByteSource, limits: PixelLimits) -> Any:
    """The smaller copy that cameras put beside the main picture, as a preview of that; None without one large enough.

    Reads nothing but the beginning of the file and that copy. Raises OverLimit.
    """
    if find_spec("av") is None:
        return None
    found = heif_pictures(source.read(0, HEAD_BYTES), file_size=source.size())
    copy = found and found.small_copy(long_edge=LONG_EDGE)
    if not found or not copy:
        return None
    return _preview(copy, lambda extent: source.read(extent.start, extent.length), limits, shown=found.main)


def read_coded(body: bytes, limits: PixelLimits) -> Any:
    """The main picture at preview size, upright, sRGB, 8 bit; None where another way must read it. Raises OverLimit."""
    if find_spec("av") is None:
        return None
    found = heif_pictures(body, file_size=len(body))
    if found is None:
        return None
    return _preview(found.main, lambda extent: body[extent.start : extent.start + extent.length], limits)


def _preview(picture: HeifPicture, read: Read, limits: PixelLimits, *, shown: HeifPicture | None = None) -> Any:
    """Of the size that `shown` would have."""
    tile = picture.tiles[0]
    limits.check(tile.width * picture.columns, tile.height * picture.rows, limits.heif)
    step, size = _step(picture), _preview_size((shown or picture).shown_size)
    if min(size) < FEWEST:
        return None
    decoder = TileDecoder(picture, step, to=size if _is_whole(picture) and picture.crop is None else None)
    try:
        tiles = [decoder.decode(each, b"".join(map(read, each.extents))) for each in picture.tiles]
    except Declined:
        return None
    joined = vips().Image.arrayjoin(tiles, across=picture.columns) if len(tiles) > 1 else tiles[0]
    image = _fitted(_cropped(joined, picture, step), size)
    if decoder.transfer is not None:
        image = tone_mapped(image, decoder.transfer)
    return _upright(in_memory(image), picture)


def _step(picture: HeifPicture) -> int:
    """By how much each side can be divided while decoding: into whole pixels, and enough of them are left."""
    tile, crop = picture.tiles[0], picture.crop
    sides = [] if _is_whole(picture) else [*tile.size, picture.width, picture.height]
    sides += [] if crop is None else [crop.left, crop.top, crop.width, crop.height]
    steps = (step for step in (8, 4, 2) if max(picture.shown_size) >= step * LONG_EDGE)
    return next((step for step in steps if all(side % step == 0 for side in sides)), 1)


def _is_whole(picture: HeifPicture) -> bool:
    """Whether it is its only tile, and all of that."""
    return picture.tiles[0].size == (picture.width, picture.height)


def _cropped(image: Any, picture: HeifPicture, step: int) -> Any:
    if not _is_whole(picture):
        image = image.crop(0, 0, picture.width // step, picture.height // step)
    crop = picture.crop
    if crop is not None:
        image = image.crop(crop.left // step, crop.top // step, crop.width // step, crop.height // step)
    return image


def _preview_size(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, LONG_EDGE / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height


def _fitted(image: Any, size: tuple[int, int]) -> Any:
    """As large as `size`, to the pixel."""
    width, height = size
    if image.format == "ushort":  # of which thumbnail_image makes 8 bit
        return image.resize(width / image.width, vscale=height / image.height)
    return image.thumbnail_image(width, **fit_options(image) | {"height": height, "size": "force"})


def _upright(image: Any, picture: HeifPicture) -> Any:
    for name, value in picture.turns:
        if name == b"imir":
            image = getattr(image, FLIPS[value])()
        elif value:
            image = getattr(image, TURNS[value])()
    return image
