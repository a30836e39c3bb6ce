"""A proxy in front of a bucket or a database that spoils what passes through it, on command."""

import asyncio
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

from sqlalchemy import make_url

Fault = Literal["503", "timeout", "cut", "reset", "answer lost"]
FAULTS: tuple[Fault, ...] = ("503", "timeout", "cut", "reset", "answer lost")
"""An answer 503; none at all; one whose body ends too soon; a connection reset before the server hears of the
request; one reset after it has done as it was told."""
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
_UNAVAILABLE = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
_OBJECT = re.compile(r"/(?:raw|processed|preview)/([^/?. ]+)")
"""The name that the three objects of one file share."""


def tcp(host: str, port: int) -> Connect:
    return lambda: asyncio.open_connection(host, port)


def unix(path: str) -> Connect:
    return lambda: asyncio.open_unix_connection(path)


def behind(url: str) -> Connect:
    """Where a server really is: an endpoint, or a database over TCP or its Unix socket."""
    parsed = make_url(url)
    folder = parsed.query.get("host")
    if isinstance(folder, str):
        return unix(str(Path(folder) / ".s.PGSQL.5432"))
    return tcp(parsed.host or "127.0.0.1", parsed.port or 5432)


def through(url: str, port: int) -> str:
    """The database of `url`, by way of a port on this machine."""
    parsed = make_url(url)
    query = {name: value for name, value in parsed.query.items() if name != "host"}
    return parsed.set(host="127.0.0.1", port=port, query=query).render_as_string(hide_password=False)


@dataclass
class SometimesFaulty:
    """Spoils about every `one_in`-th request, but no object more than `most` times, so that every job can be done."""

    seed: int
    one_in: int = 3
    most: int = 5
    spoiled: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def __call__(self, request: str) -> Fault | None:
        named = _OBJECT.search(request)
        key = named[1] if named else ""
        if self.spoiled[key] >= self.most or self._random.randrange(self.one_in):
            return None
        self.spoiled[key] += 1
        return self._random.choice(FAULTS)


class Proxy:
    """`down` and `up` are an outage; `choose` spoils HTTP requests, `loses` picks what PostgreSQL answers in vain."""

    def __init__(self, connect: Connect, *, http: bool) -> None:
        self._connect = connect
        self._http = http
        self._is_up = True
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.faults = 0
        self.felt = asyncio.Event()
        """Somebody's connection was reset."""
        self.choose: Callable[[str], Fault | None] = lambda _request: None
        self.loses: Callable[[bytes], bool] = lambda _piece: False
        """Whether the answer to this piece of a client's is lost, and the connection with it."""

    def down(self) -> None:
        """Every connection is reset, and every new one."""
        self._is_up = False
        for one in [*self._open]:
            self._reset(one)

    def up(self) -> None:
        self._is_up = True

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_up:
            self._reset(writer)
            return
        self._open.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await (self._pass_request(reader, writer) if self._http else self._pass_bytes(reader, writer))
        finally:
            self._open.discard(writer)
            writer.close()

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        self.faults += 1
        self.felt.set()
        raw: socket.socket = writer.get_extra_info("socket")
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    # HTTP: one request a connection, so that each has a fate of its own ----

    async def _pass_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        fault = self.choose(head.partition(b"\r\n")[0].decode())
        if fault == "timeout":
            self.faults += 1
            await reader.read()
        elif fault == "503":
            self.faults += 1
            writer.write(_UNAVAILABLE)
            await writer.drain()
        elif fault == "reset":
            self._reset(writer)
        else:
            await self._answer(await self._ask(head, body), fault, writer)

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        head = _CONNECTION.sub(b"", head).removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"
        upstream, to_upstream = await self._connect()
        try:
            to_upstream.write(head + body)
            await to_upstream.drain()
            return await upstream.read()
        finally:
            to_upstream.close()

    async def _answer(self, answer: bytes, fault: Fault | None, writer: asyncio.StreamWriter) -> None:
        head, end, body = answer.partition(b"\r\n\r\n")
        if fault == "answer lost" or (fault == "cut" and not body):
            self._reset(writer)
            return
        writer.write(head + end + (body[: len(body) // 2] if fault == "cut" else body))
        self.faults += fault == "cut"
        await writer.drain()

    # PostgreSQL: bytes, both ways ----

    async def _pass_bytes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_upstream = await self._connect()
        lost = asyncio.Event()
        answers = asyncio.create_task(self._pass_answers(upstream, writer, lost))
        try:
            while piece := await reader.read(65536):
                if self.loses(piece):
                    lost.set()
                to_upstream.write(piece)
                await to_upstream.drain()
        finally:
            answers.cancel()
            to_upstream.close()

    async def _pass_answers(
        self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while piece := await upstream.read(65536):
                if lost.is_set():  # the server has done it and says so, to nobody
                    self._reset(writer)
                    return
                writer.write(piece)
                await writer.drain()
        writer.close()


def first_group_with(text: bytes) -> Callable[[bytes], bool]:
    """Picks the first group of statements that has `text` in it, and with it its commit: a group is one piece.

    Once a connection has prepared a statement, later groups only name it.
    """
    state = {"over": False}

    def is_it(piece: bytes) -> bool:
        found = not state["over"] and text in piece
        state["over"] = state["over"] or found
        return found

    return is_it


@asynccontextmanager
async def fault_proxy(connect: Connect, *, http: bool) -> AsyncGenerator[Proxy]:
    """Listening on 127.0.0.1 until the block ends."""
    proxy = Proxy(connect, http=http)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.down()
        server.close()
