"""The image tools: previews of whatever customers upload."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewCost:
    """What making a preview took; 0 where nobody measured it."""

    bytes_read: int = 0
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    """Of the process that made it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A finished preview: an upright sRGB JPEG without metadata, long edge at most 1280 px."""

    body: bytes
    width: int
    height: int
    source_format: str
    """`jpeg`, `png`, `dng` ...: what the content is, whatever the name says."""
    path: str
    """Which way it was made, e.g. `vips-shrink`, `embedded-jpeg`, `libraw`."""
    etag: str | None = None
    """Of the version of the original that it was made of; None where the storage tells of none."""
    cost: PreviewCost = PreviewCost()


class ImageTools(Protocol):
    async def make_preview(self, key: str) -> Preview:
        """The preview of the object at `key`, which the tools fetch for themselves: all of one version.

        Raises BrokenPicture, NotAPicture, OverLimit (permanent), NoToolForFormat (gets the placeholder copy),
        ObjectMissing, StorageUnavailable and ImageWorkerDied (transient).
        """
        ...

    async def probe(self) -> None:
        """Make a tiny picture. Raises a TransientError if no preview at all can be made now."""
        ...

    async def close(self) -> None: ...
