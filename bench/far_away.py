"""An S3 server behind the latency proxy, the proxy in a process of its own."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from devtools.seaweed import S3Server

ROUND_TRIP_MS = 30
MEGABYTES_PER_SECOND = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class FarAway:
    server: S3Server
    process: Process

    async def carried(self) -> Mapping[str, int]:
        """Bytes `up` and `down`, and `connections`, since it was last asked."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        return await _line(self.process)


@asynccontextmanager
async def far_away(near: S3Server) -> AsyncGenerator[FarAway]:
    """`near`, with 30 ms more to every round trip and at most 60 MB/s a connection."""
    port = urlsplit(near.endpoint).port
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.latency_proxy", str(port), str(ROUND_TRIP_MS / 2), str(MEGABYTES_PER_SECOND)),
        stdin=PIPE,
        stdout=PIPE,
    )
    try:
        told = await _line(process)
        yield FarAway(server=replace(near, endpoint=f"http://127.0.0.1:{told['port']}"), process=process)
    finally:
        process.kill()
        await process.wait()


async def _line(process: Process) -> Mapping[str, int]:
    assert process.stdout is not None
    told: Mapping[str, int] = json.loads(await process.stdout.readline())
    return told
