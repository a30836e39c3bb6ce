"""A TCP relay that counts what passes: all that a consumer and its image workers move to and from the bucket."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

PIECE = 256 * 1024


class CountingProxy:
    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self.bytes = 0
        self.endpoint = ""

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["CountingProxy"]:
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(PIECE):
                self.bytes += len(piece)
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass  # either side may leave
        finally:
            writer.close()
