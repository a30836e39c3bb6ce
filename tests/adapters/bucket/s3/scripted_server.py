"""An HTTP server on this machine that says what a test wants said, for answers that no real one gives on demand."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from editqueue.adapters.bucket.s3.client import S3Client


@dataclass
class ScriptedServer:
    """Gives one answer to everything, after those of `first`, and keeps what it was asked."""

    status: str = "200 OK"
    body: str = ""
    first: list[bytes] = field(default_factory=list[bytes])
    """Whole answers, each said once."""
    raw: bytes | None = None
    """Said instead of an answer with `status` and `body`."""
    hangs: bool = False
    """The connection stays open after the answer."""
    resets: bool = False
    """The connection is cut off without an answer."""
    port: int = 0
    asked: list[str] = field(default_factory=list[str])
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        if self.resets:
            writer.transport.abort()
            return
        if self.first:
            writer.write(self.first.pop(0))
        else:
            writer.write(self.raw if self.raw is not None else self._answer())
        await writer.drain()
        if self.hangs:
            await self.over.wait()
        writer.close()

    def _answer(self) -> bytes:
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\nETag: 1\r\n"
        return f"{head}Last-Modified: Fri, 01 May 2026 00:00:00 GMT\r\n\r\n{self.body}".encode()


@asynccontextmanager
async def scripted_server() -> AsyncGenerator[ScriptedServer]:
    scripted = ScriptedServer()
    async with await asyncio.start_server(scripted.answer, "127.0.0.1", 0) as listening:
        scripted.port = int(listening.sockets[0].getsockname()[1])
        yield scripted
        scripted.over.set()


def client_at(
    port: int,
    *,
    timeout: timedelta = timedelta(seconds=60),  # of the client, not of this call
    max_retries: int = 2,
    longest_pause: timedelta = timedelta(seconds=2),
) -> S3Client:
    return S3Client(
        bucket="media",
        endpoint=f"http://127.0.0.1:{port}",
        access_key_id="id",
        secret_access_key="secret",
        timeout=timeout,
        max_retries=max_retries,
        longest_pause=longest_pause,
    )
