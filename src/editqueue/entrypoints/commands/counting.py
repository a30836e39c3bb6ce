"""The port for Prometheus, and the looks at the database for its gauges."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from editqueue.settings import Settings
from editqueue.wiring.server import Server

COUNT_EVERY = 15.0
"""Seconds between looks at the database for the gauges; Prometheus asks about as often."""


@asynccontextmanager
async def metrics_served(server: Server, settings: Settings) -> AsyncGenerator[None]:
    """Metrics on their own port, if the settings name one. Raises SetupError when it is taken."""
    if settings.metrics_port is None:
        yield
        return
    close = server.metrics.serve(settings.metrics_port, host=settings.metrics_host)
    counting = asyncio.create_task(_count_now_and_then(server))
    try:
        yield
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        await asyncio.to_thread(close)


async def _count_now_and_then(server: Server) -> None:
    ports = server.ports
    while True:
        try:
            now = ports.clock.now()
            server.metrics.observe(await ports.store.queue_stats(now=now), now=now)
            server.metrics.observe_consumers(await ports.store.living_consumers())
        except Exception as error:  # noqa: BLE001  # whatever it was, the next look may succeed
            ports.journal.error(None, error)
        await ports.pause(COUNT_EVERY)
