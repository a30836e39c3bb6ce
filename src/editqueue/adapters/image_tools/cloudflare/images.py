"""Previews on a Worker: Cloudflare Images decodes; this side only says what is where.

Formats are detected, and camera raws searched for their embedded JPEG, by the same pure-Python code as on a
server. The bytes themselves go from R2 to Images as the runtime's own stream.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from editqueue.adapters.image_tools.cloudflare.replay import replayed
from editqueue.adapters.image_tools.formats.byte_source import BytesSource, HeadKept
from editqueue.adapters.image_tools.formats.camera_raw import RAW_KINDS, locate_jpeg
from editqueue.adapters.image_tools.formats.detect import format_of
from editqueue.adapters.image_tools.formats.jpeg import jpeg_orientation, jpeg_size, without_metadata
from editqueue.adapters.image_tools.formats.picture_size import stored_size
from editqueue.adapters.image_tools.formats.tiny_picture import TINY_PNG
from editqueue.adapters.js_interop import first_line, js_exceptions, pieces_of, refused_by_type, stream_of, without_none
from editqueue.domain.errors import BrokenPicture, NoToolForFormat, ProcessingError, StorageUnavailable
from editqueue.domain.preview_spec import LONG_EDGE, QUALITY, SMALLEST_EMBEDDED
from editqueue.ports.bucket import ByteSource, ObjectInfo
from editqueue.ports.image_tools import Preview, PreviewCost

MOST_BYTES: Final = 100_000_000
MOST_PIXELS: Final = 100_000_000
LONGEST_SIDE: Final = 12_000
"""These three: developers.cloudflare.com/images/get-started/limits."""
READ_BY_IMAGES: Final = frozenset({"jpeg", "png", "webp", "heic"})

_TURNS: Final[Mapping[int, Mapping[str, object]]] = {
    1: {}, 2: {"flip": "h"}, 3: {"rotate": 180}, 4: {"flip": "v"},
    5: {"flip": "h", "rotate": 270}, 6: {"rotate": 90}, 7: {"flip": "h", "rotate": 90}, 8: {"rotate": 270},
}  # fmt: skip
"""EXIF orientations; Images flips before it rotates, clockwise."""
_CODE: Final = re.compile(r"\b(9\d{3})\b")
_BROKEN: Final = frozenset({"9412", "9523"})
_BEYOND: Final = frozenset({"9402", "9413", "9422", "9423", "9520"})
"""Too large, too many pixels, the month's transformations used up, unsupported: sound, but not for Images
(developers.cloudflare.com/images/reference/troubleshooting)."""


class Transformer(Protocol):
    def transform(self, options: dict[str, object]) -> "Transformer": ...
    async def output(self, options: dict[str, object]) -> Any: ...


class ImagesBinding(Protocol):
    """What is used of the binding, as the Workers SDK shows it to Python."""

    def input(self, stream: Any) -> Transformer: ...
    async def info(self, stream: Any) -> Any: ...


class RangeReads(Protocol):
    """What is used of the bucket."""

    async def head(self, key: str) -> ObjectInfo: ...
    async def read_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes: ...
    async def open_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> Any: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which bytes Images gets, and what it is to do with them."""

    kind: str
    path: str
    offset: int
    length: int
    transform: Mapping[str, object]


class BindingImages:
    def __init__(self, binding: ImagesBinding, bucket: RangeReads) -> None:
        self._binding = without_none(binding)
        self._bucket = bucket

    async def make_preview(self, key: str) -> Preview:
        found = await self._bucket.head(key)
        try:
            return await self._made_of(key, found)
        except ProcessingError as error:
            error.etag = found.etag
            raise

    async def _made_of(self, key: str, found: ObjectInfo) -> Preview:
        fetch = partial(self._bucket.read_range, key, etag=found.etag)
        plan, read = await replayed(plan_preview, size=found.size, fetch=fetch)
        stream = await self._bucket.open_range(key, plan.offset, plan.length, etag=found.etag)
        body = without_metadata(await self._transformed(stream, plan))
        made = jpeg_size(BytesSource(body), 0, len(body))
        if made is None:
            raise BrokenPicture("the preview that was made cannot be decoded")
        width, height = made
        return Preview(
            body=body,
            width=width,
            height=height,
            source_format=plan.kind,
            path=plan.path,
            etag=found.etag,
            cost=PreviewCost(bytes_read=read + plan.length),
        )

    async def probe(self) -> None:
        """Asks Images what a tiny picture is: that transforms nothing."""
        try:
            await self._binding.info(stream_of(TINY_PNG))
        except js_exceptions() as error:
            raise StorageUnavailable(f"Cloudflare Images: {first_line(error)}") from error

    async def close(self) -> None:
        """Nothing to close: the runtime owns the binding."""

    async def _transformed(self, stream: Any, plan: Plan) -> bytes:
        try:
            made = self._binding.input(stream).transform(dict(plan.transform))
            answer = await made.output({"format": "image/jpeg", "quality": QUALITY})
            return b"".join([piece async for piece in pieces_of(answer.image())])
        except js_exceptions() as error:
            raise _translated(error) from error


def plan_preview(source: ByteSource) -> Plan:
    """Raises NotAPicture, BrokenPicture, and NoToolForFormat for what Images does not read."""
    kept = HeadKept(source)
    kind = format_of(kept)
    if kind in RAW_KINDS:
        return _plan_raw(kept, kind)
    if kind not in READ_BY_IMAGES:
        raise NoToolForFormat(f"Cloudflare Images does not read {kind}")
    size = stored_size(kept, kind)
    _check_limits(kept.size(), size)
    turn = jpeg_orientation(kept, 0, kept.size()) if kind == "jpeg" else None
    return Plan(kind=kind, path="images", offset=0, length=kept.size(), transform=_fit(size, own_turn=turn))


def _plan_raw(source: HeadKept, kind: str) -> Plan:
    found = locate_jpeg(source, kind, long_edge=LONG_EDGE)
    if found is None or max(found.width, found.height) < SMALLEST_EMBEDDED:
        raise NoToolForFormat(f"this {kind} has no embedded preview that could be shown")
    _check_limits(found.length, (found.width, found.height))
    own_turn = jpeg_orientation(source, found.offset, found.offset + found.length)
    turn = found.turn(own_turn)
    size = (found.height, found.width) if turn >= 5 else (found.width, found.height)
    return Plan(
        kind=kind,
        path="images-embedded-jpeg",
        offset=found.offset,
        length=found.length,
        transform={**_TURNS[turn], **_fit(size, own_turn=own_turn)},
    )


def _fit(size: tuple[int, int] | None, *, own_turn: int | None) -> Mapping[str, object]:
    """Within LONG_EDGE x LONG_EDGE, never enlarged.

    The exact size where it is known: the stand-in for Images on a developer's machine fills a box with black.
    A picture with a quarter turn of its own, or of unknown size, gets the box.
    """
    if size is None or (own_turn or 1) >= 5:
        width = height = LONG_EDGE
    else:
        scale = min(1.0, LONG_EDGE / max(size))
        width, height = (max(1, round(side * scale)) for side in size)
    return {"width": width, "height": height, "fit": "scale-down", "background": "#ffffff"}


def _check_limits(length: int, size: tuple[int, int] | None) -> None:
    width, height = size or (0, 0)
    if length > MOST_BYTES or width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise NoToolForFormat(f"{length} bytes, {width} x {height} pixels are more than Cloudflare Images takes")


def _translated(error: BaseException) -> Exception:
    text = f"Cloudflare Images: {first_line(error)}"
    if refused_by_type(error):
        return TypeError(text)
    code = _CODE.search(text)
    if code is not None and code[1] in _BEYOND:
        return NoToolForFormat(text)
    if code is not None and code[1] in _BROKEN:
        return BrokenPicture(text)
    return StorageUnavailable(text)
