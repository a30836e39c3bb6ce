"""How often a client waits for a server: a TCP proxy that counts the turns of their conversation."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

PIECE = 64 * 1024
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@dataclass(kw_only=True)
class Turns:
    """Answers are held back for `delay` seconds, so that whatever a client sends without waiting arrives before them."""

    connect: Connect
    delay: float
    port: int = 0
    count: int = 0
    """Of answers that a client waited for, over all connections."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    async def join(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        there, forth = await self.connect()
        self._open |= {back, forth}
        asked = asyncio.Event()
        answers = asyncio.create_task(self._pass_answers(there, back, asked))
        with suppress(ConnectionError):
            while piece := await here.read(PIECE):
                asked.set()
                forth.write(piece)
        answers.cancel()
        for one in (back, forth):
            one.close()

    async def _pass_answers(
        self, there: asyncio.StreamReader, back: asyncio.StreamWriter, asked: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while piece := await there.read(PIECE):
                if asked.is_set():
                    asked.clear()
                    self.count += 1
                    await asyncio.sleep(self.delay)
                back.write(piece)


@asynccontextmanager
async def counted(connect: Connect, *, delay: float = 0.0) -> AsyncGenerator[Turns]:
    """On 127.0.0.1 until the block ends."""
    turns = Turns(connect=connect, delay=delay)
    server = await asyncio.start_server(turns.join, "127.0.0.1", 0)
    turns.port = server.sockets[0].getsockname()[1]
    try:
        yield turns
    finally:
        server.close()
