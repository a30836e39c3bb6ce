"""How often a client waits for a server: a TCP proxy that counts the turns of their conversation."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from devtools.fault_proxy import Connect

PIECE = 64 * 1024


@dataclass(kw_only=True)
class Turns:
    """Everything passes, and is counted."""

    connect: Connect
    port: int = 0
    count: int = 0
    """Of answers that began after a client had asked, over all connections: a server answers a pipeline when it has
    read all of it, unless the answers are long."""
    joints: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def joined(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._join(here, back))
        self.joints.add(task)
        task.add_done_callback(self.joints.discard)

    async def _join(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        there, forth = await self.connect()
        asked = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._ask(here, forth, asked))
                both.create_task(self._answer(there, back, asked))
        finally:
            back.transport.abort()
            forth.transport.abort()

    async def _ask(self, here: asyncio.StreamReader, forth: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        with suppress(ConnectionError):
            while piece := await here.read(PIECE):
                asked.set()
                forth.write(piece)
            forth.write_eof()

    async def _answer(self, there: asyncio.StreamReader, back: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        with suppress(ConnectionError):
            while piece := await there.read(PIECE):
                self.count += asked.is_set()
                asked.clear()
                back.write(piece)
            back.write_eof()


@asynccontextmanager
async def counted(connect: Connect) -> AsyncGenerator[Turns]:
    """On 127.0.0.1 until the block ends."""
    turns = Turns(connect=connect)
    server = await asyncio.start_server(turns.joined, "127.0.0.1", 0)
    turns.port = server.sockets[0].getsockname()[1]
    try:
        yield turns
    finally:
        server.close()
        for one in tuple(turns.joints):
            one.cancel()
        await asyncio.gather(*turns.joints, return_exceptions=True)
