"""A small application behind the real server, and bare connections to it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from devtools.patience import PATIENCE
from devtools.world import World
from editqueue.entrypoints.commands.serving import listening
from editqueue.entrypoints.http.connections import ConnectionLimits
from editqueue.entrypoints.http.in_time import Closing, InTime
from editqueue.entrypoints.http.web_server import WebServer


@dataclass
class App:
    """Answers at once, but /waits for `gate`, and /streams without end."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.entered.set()
        streams = scope["path"] == "/streams"
        try:
            if scope["path"] == "/waits":
                await self.gate.wait()
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [] if streams else [(b"content-length", b"2")],
                }
            )
            if streams:
                await self.stream(receive, send)
            await send({"type": "http.response.body", "body": b"ok"})
        finally:
            self.left.set()

    async def stream(self, receive: Receive, send: Send) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        while not gone.done():
            await send({"type": "http.response.body", "body": b"o" * 100_000, "more_body": True})
            await asyncio.wait([gone], timeout=0.001)


class Wire:
    """One bare connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def ask(self, path: str = "/") -> None:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())

    async def head(self) -> str:
        return (await self._soon(self.reader.readuntil(b"\r\n\r\n"))).decode().lower()

    async def ok(self) -> bool:
        """Whether the next answer is a whole one of `App`."""
        return "200 ok" in await self.head() and await self._soon(self.reader.readexactly(2)) == b"ok"

    async def problem(self, status: int, code: str) -> str:
        """The head of the next answer, which must be this problem, with the end of the connection behind it."""
        head = await self.head()
        assert f"http/1.1 {status} " in head
        assert "content-type: application/problem+json" in head
        assert "connection: close" in head
        body: dict[str, Any] = json.loads(await self.rest())
        assert (body["status"], body["code"]) == (status, code)
        return head

    async def rest(self) -> bytes:
        """Up to the end of the connection, however it comes."""
        try:
            return await self._soon(self.reader.read())
        except ConnectionResetError:
            return b""

    async def _soon(self, bytes_read: Any) -> bytes:
        async with asyncio.timeout(PATIENCE):
            read: bytes = await bytes_read
            return read


@dataclass
class Served:
    app: App
    web: WebServer
    closing: Closing
    running: asyncio.Task[None]
    address: tuple[str, int]
    wires: list[Wire] = field(default_factory=list[Wire])

    async def connect(self) -> Wire:
        wire = Wire(*await asyncio.open_connection(*self.address))
        self.wires.append(wire)
        return wire

    async def end(self) -> None:
        self.web.should_exit = True
        async with asyncio.timeout(PATIENCE):
            await self.running


@asynccontextmanager
async def served(world: World, limits: ConnectionLimits) -> AsyncGenerator[Served]:
    app, closing = App(), Closing()
    web = WebServer(InTime(app, closing=closing, journal=world.journal), closing=closing, limits=limits)
    with listening("127.0.0.1", 0) as listener:
        running = asyncio.create_task(web.serve(sockets=[listener]))
        here = Served(app, web, closing, running, listener.getsockname())
        try:
            yield here
        finally:
            app.gate.set()
            for wire in here.wires:
                wire.writer.close()
            await here.end()
