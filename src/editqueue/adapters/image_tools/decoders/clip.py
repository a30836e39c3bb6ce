"""A clip's poster frame through FFmpeg (PyAV), over ranged reads.

The keyframe at one second, or at half of a shorter clip; where that is black, one further on.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import io
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from typing import Any

from editqueue.adapters.image_tools.decoders.frame import is_black, to_srgb
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.formats.byte_source import BlocksKept
from editqueue.adapters.image_tools.formats.isobmff import check_clip
from editqueue.domain.errors import BrokenPicture, NotAPicture, NoToolForFormat
from editqueue.ports.bucket import ByteSource

BLOCK = 256 * 1024
BLOCKS_KEPT = 32
POSTER_AT = 1.0
"""Seconds."""
LATER = (0.1, 0.25, 0.5, 0.75)
"""Shares of the clip at which to look where the poster is black: title cards, a cap on the lens."""
MOST_FRAMES = 90
"""Decoded one after the other in a clip that has a single keyframe and begins black: three seconds."""


def poster(source: ByteSource, limits: PixelLimits, *, long_edge: int) -> Any:
    """The poster as an upright sRGB libvips image, not larger than `long_edge`.

    Raises BrokenPicture, NotAPicture without a video track, NoToolForFormat without PyAV or for a codec it lacks.
    """
    if find_spec("av") is None:
        raise NoToolForFormat("no installed tool reads mp4: pip install 'editqueue[video]'")
    kept = BlocksKept(source, block=BLOCK, most=BLOCKS_KEPT)
    check_clip(kept)
    with _opened(kept) as container:
        stream = _video(container, limits)
        frame = _first_seen(container, stream)
        limits.check(frame.width, frame.height, limits.clip)
        return to_srgb(frame, stream, long_edge=long_edge)


def first_picture(source: ByteSource, limits: PixelLimits, *, long_edge: int) -> Any:
    """The first frame of a sequence of pictures (HEIC, AVIF) whose file has no still. Raises as `poster` does."""
    if find_spec("av") is None:
        raise NoToolForFormat("no installed tool reads sequences of pictures: pip install 'editqueue[video]'")
    check_clip(source)
    with _opened(source) as container:
        try:
            stream = _video(container, limits)
        except NotAPicture as error:
            raise NoToolForFormat("no installed tool reads this sequence of pictures") from error
        frame = next(_sound(container.decode(stream)), None)
        if frame is None:
            raise BrokenPicture("the sequence has no picture that can be decoded")
        limits.check(frame.width, frame.height, limits.clip)
        return to_srgb(frame, stream, long_edge=long_edge)


@contextmanager
def _opened(source: ByteSource) -> Generator[Any]:
    import av  # noqa: PLC0415  # only where clips are decoded
    import av.error  # noqa: PLC0415
    import av.logging  # noqa: PLC0415

    av.logging.set_level(None)
    try:
        with av.open(_File(source), format="mp4", **lenient(av.__version__)) as container:
            yield container
    except (av.error.DecoderNotFoundError, av.error.PatchWelcomeError) as error:
        raise NoToolForFormat("no installed tool reads the codec of this clip") from error
    except MemoryError:
        raise
    except (av.error.FFmpegError, ValueError, OverflowError) as error:
        # The last two are PyAV's own, of texts that it cannot decode and numbers that no type of C's holds.
        raise BrokenPicture(f"cannot be decoded: {getattr(error, 'strerror', None) or error}"[:200]) from error


def lenient(version: str) -> dict[str, Any]:
    """PyAV 18 refuses a clip for odd bytes in its title unless told not to; 19 does not know the option."""
    return {"metadata_errors": "ignore"} if int(version.partition(".")[0]) < 19 else {}


def _video(container: Any, limits: PixelLimits) -> Any:
    """The first real video track: a cover picture is one, too, but not of this clip."""
    pictures = [track for track in container.streams.video if track.disposition.attached_pic not in track.disposition]
    if not pictures:
        raise NotAPicture("the clip has no video track")
    stream = pictures[0]
    if stream.codec_context is None:
        raise NoToolForFormat("no installed tool reads the codec of this clip")
    limits.check(stream.codec_context.width, stream.codec_context.height, limits.clip)
    stream.codec_context.thread_count = 1
    return stream


def _first_seen(container: Any, stream: Any) -> Any:
    """The first frame that is not black, else the first there was."""
    first: Any = None
    for frame in _candidates(container, stream):
        if not is_black(frame):
            return frame
        first = first or frame
    if first is None:
        raise BrokenPicture("the clip has no frame that can be decoded")
    return first


def _candidates(container: Any, stream: Any) -> Iterator[Any]:
    whole = stream.duration
    seconds = float(whole * stream.time_base) if whole else (container.duration or 0) / 1_000_000
    target = min(POSTER_AT, seconds / 2)
    yield from _at(container, stream, target)
    for share in LATER:
        if seconds * share > target:
            yield from _at(container, stream, seconds * share)
    container.seek(0)
    yield from islice(_sound(container.decode(stream)), MOST_FRAMES)


def _at(container: Any, stream: Any, seconds: float) -> Iterator[Any]:
    """The keyframe at or before `seconds`."""
    start = stream.start_time or 0
    container.seek(start + round(seconds / stream.time_base), stream=stream)
    yield from islice(_sound(container.decode(stream)), 1)


def _sound(frames: Iterable[Any]) -> Iterator[Any]:
    return (frame for frame in frames if not frame.is_corrupt)


class _File(io.RawIOBase):
    """What PyAV reads from."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        body = self._source.read(self._at, size if size >= 0 else self._source.size() - self._at)
        self._at += len(body)
        return body

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size()}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at
