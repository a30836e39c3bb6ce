"""A wire to a server that can be listened to, held and cut."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

PIECE = 64 * 1024


@dataclass(kw_only=True)
class Wire:
    """Passes every byte on, both ways, until it is told otherwise."""

    port: int = 0
    opened: int = 0
    """Connections so far."""
    sent: list[bytes] = field(default_factory=list[bytes])
    """What clients sent, in the pieces in which it came."""
    hold_at: bytes | None = None
    """While set, a piece from a client with this in it waits for `let_go`; b"" holds everything."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Something is being held."""
    _free: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    def let_go(self) -> None:
        self.hold_at = None
        self._free.set()
        self._free = asyncio.Event()
        self.held.clear()

    def cut(self) -> None:
        """Reset every connection, now."""
        for one in tuple(self._writers):
            one.transport.abort()

    async def join(self, here: asyncio.StreamReader, back: asyncio.StreamWriter, *, host: str, port: int) -> None:
        self.opened += 1
        there, forth = await asyncio.open_connection(host, port)
        self._writers |= {back, forth}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(here, forth, recorded=True))
                both.create_task(self._pass(there, back, recorded=False))
        finally:
            self._writers -= {back, forth}
            for one in (back, forth):
                one.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, recorded: bool) -> None:
        with suppress(ConnectionError):
            while piece := await source.read(PIECE):
                if recorded:
                    self.sent.append(piece)
                    await self._hold(piece)
                target.write(piece)
                await target.drain()
            target.write_eof()

    async def _hold(self, piece: bytes) -> None:
        if self.hold_at is not None and self.hold_at in piece:
            free = self._free
            self.held.set()
            await free.wait()


@asynccontextmanager
async def wire_to(host: str, port: int) -> AsyncGenerator[Wire]:
    """A wire to `host:port`; what goes over it ends with the block."""
    wire = Wire()
    joints: set[asyncio.Task[None]] = set()

    async def join(here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        joints.add(task)
        task.add_done_callback(joints.discard)
        await wire.join(here, back, host=host, port=port)

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    wire.port = int(server.sockets[0].getsockname()[1])
    try:
        yield wire
    finally:
        server.close()
        for one in tuple(joints):
            one.cancel()
        await asyncio.gather(*joints, return_exceptions=True)
