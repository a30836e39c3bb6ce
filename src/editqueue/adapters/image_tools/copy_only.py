"""Without any image library: every sound original gets the placeholder copy."""

import asyncio

from editqueue.adapters.image_tools.formats.detect import HEAD, detect
from editqueue.domain.errors import NoToolForFormat
from editqueue.ports.bucket import ByteSources
from editqueue.ports.image_tools import Preview


class CopyOnly:
    """`ImageTools` that looks at the first bytes and reads nothing more."""

    def __init__(self, sources: ByteSources) -> None:
        self._sources = sources

    async def make_preview(self, key: str) -> Preview:
        """Never a preview: raises NoToolForFormat for what is a picture or clip, else as the port says."""
        head = await asyncio.to_thread(self._head, key)
        raise NoToolForFormat(f"no image library is installed, so nothing reads {detect(head)}")

    def _head(self, key: str) -> bytes:
        return self._sources.open(key).read(0, HEAD)

    async def close(self) -> None:
        """Nothing to close."""
