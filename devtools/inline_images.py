"""Previews in a thread of this process: for tests on a bucket in memory. No limit protects the caller."""

import asyncio
from collections.abc import Awaitable, Callable

from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview
from editqueue.ports.image_tools import Preview


class Inline:
    def __init__(self, read: Callable[[str], Awaitable[bytes]]) -> None:
        self._read = read

    async def make_preview(self, key: str) -> Preview:
        return await asyncio.to_thread(render_preview, BytesSource(await self._read(key)))

    async def probe(self) -> None:
        """Nothing that could be away."""

    async def close(self) -> None:
        """Nothing to close."""
