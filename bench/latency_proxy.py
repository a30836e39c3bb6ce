"""A TCP proxy that puts a server some way off: `python -m bench.latency_proxy PORT ONE_WAY_MS MB_PER_S`.

Every byte arrives ONE_WAY_MS later, in both directions, and a connection carries at most so many megabytes a second
each way. It prints its port, and answers each line on stdin with the bytes it has carried since the last.
"""

import asyncio
import json
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, field

PIECE = 256 * 1024
WINDOW = 4 * 1024 * 1024
"""Bytes on their way, per direction of a connection: more than 60 MB/s x 30 ms, so that the cap is what limits."""


@dataclass(kw_only=True)
class Far:
    """Where a server is: the delay in seconds and bytes per second of one direction, and what it carried."""

    port: int
    delay: float
    rate: float
    carried: dict[str, int] = field(default_factory=lambda: {"up": 0, "down": 0, "connections": 0})

    async def join(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        there, forth = await asyncio.open_connection("127.0.0.1", self.port, limit=PIECE)
        self.carried["connections"] += 1
        for one in (back, forth):
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = (self._pass(here, forth, "up"), self._pass(there, back, "down"))
        with suppress(ConnectionError):
            await asyncio.gather(*ways)
        for one in (back, forth):
            one.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, way: str) -> None:
        underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WINDOW // PIECE)
        arriving = asyncio.create_task(self._arrive(underway, target))
        free_at = 0.0
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while piece := await source.read(PIECE):
                self.carried[way] += len(piece)
                free_at = max(loop.time(), free_at) + len(piece) / self.rate
                await underway.put((free_at + self.delay, piece))
        await underway.put((free_at + self.delay, b""))
        await arriving

    async def _arrive(self, underway: "asyncio.Queue[tuple[float, bytes]]", target: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, piece = await underway.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                break
            with suppress(ConnectionError):
                target.write(piece)
                await target.drain()
        with suppress(OSError, RuntimeError):
            target.write_eof()

    def report(self) -> str:
        told = json.dumps(self.carried)
        self.carried = dict.fromkeys(self.carried, 0)
        return told


async def main(port: int, one_way_ms: float, megabytes: float) -> None:
    far = Far(port=port, delay=one_way_ms / 1000, rate=megabytes * 1e6)
    server = await asyncio.start_server(far.join, "127.0.0.1", 0, limit=PIECE)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(far.report(), flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
