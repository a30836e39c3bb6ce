"""Without any image library: every sound original gets the placeholder copy."""

import asyncio

from editqueue.adapters.image_tools.formats.detect import format_of
from editqueue.domain.errors import NoToolForFormat, ProcessingError
from editqueue.ports.bucket import ByteSources
from editqueue.ports.image_tools import Preview


class CopyOnly:
    """`ImageTools` that looks at the first bytes and reads nothing more."""

    def __init__(self, sources: ByteSources) -> None:
        self._sources = sources

    async def make_preview(self, key: str) -> Preview:
        """Never a preview: raises NoToolForFormat for what is a picture or clip, else as the port says."""
        source = self._sources.open(key)
        try:
            found = await asyncio.to_thread(format_of, source)
            raise NoToolForFormat(f"no image library is installed, so nothing reads {found}")
        except ProcessingError as error:
            error.etag = source.etag
            raise

    async def probe(self) -> None:
        """Nothing that could be away."""

    async def close(self) -> None:
        """Nothing to close."""
