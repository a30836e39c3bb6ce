"""uvicorn, bounded: in connections, in time, and in how long it takes to end."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp

from editqueue.entrypoints.http.connections import BoundedConnection, ConnectionLimits, Connections
from editqueue.entrypoints.http.in_time import Closing

LAST_REQUESTS: Final = 4.0
"""Seconds for running requests once the server ends; then they are answered 503, or cut off if an answer has begun."""
LAST_ANSWERS: Final = 0.5
"""Seconds for those answers to get through."""
ACCEPTED_AT_ONCE: Final = 8
"""Connections that asyncio accepts before any of them can be refused."""
WAITING_TO_CONNECT: Final = 1024
"""Connections that the operating system keeps until they are accepted."""


class WebServer(uvicorn.Server):
    """Serves `app`, whose `InTime` knows `closing`, until `should_exit` is set; then it ends within 5 s."""

    def __init__(self, app: ASGIApp, *, closing: Closing, limits: ConnectionLimits) -> None:
        self._closing = closing
        self._connections = Connections(limits)
        protocol = partial(BoundedConnection, connections=self._connections)
        config = uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", protocol),
            ws="none",
            log_config=None,  # its own would put plain text on stderr
            log_level="warning",
            access_log=False,
            backlog=ACCEPTED_AT_ONCE,
            timeout_keep_alive=int(limits.silence) + 1,  # ours is sooner
            timeout_graceful_shutdown=5,
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(WAITING_TO_CONNECT)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.begun = True
        self._connections.wind_down()
        ending = asyncio.create_task(self._end_in_time())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()

    async def _end_in_time(self) -> None:
        """Sooner than uvicorn, which would answer 500 in plain text and log an error."""
        await asyncio.sleep(LAST_REQUESTS)
        self._closing.over.set_result(None)
        await asyncio.sleep(LAST_ANSWERS)
        self._connections.abort()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are ours: they stop the consumer first, then the server."""
        yield
