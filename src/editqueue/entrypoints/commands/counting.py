"""The port for Prometheus, and the looks at the database for its gauges."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from editqueue.settings import Settings
from editqueue.wiring.bucket_folder import bucket_folder
from editqueue.wiring.database_file import database_file
from editqueue.wiring.server import Server

COUNT_EVERY = 15.0
"""Seconds between looks at the database for the gauges; Prometheus asks about as often."""


@asynccontextmanager
async def metrics_served(server: Server, settings: Settings) -> AsyncGenerator[None]:
    """Metrics on their own port, if the settings name one. Raises SetupError when it is taken."""
    if settings.metrics_port is None:
        yield
        return
    for holds, folder in _own_folders(settings).items():
        server.metrics.disks.watch(holds, folder)
    close = server.metrics.serve(settings.metrics_port, host=settings.metrics_host)
    counting = asyncio.create_task(_count_now_and_then(server))
    try:
        yield
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        await asyncio.to_thread(close)


def _own_folders(settings: Settings) -> dict[str, Path]:
    """Those of this machine that must not fill up, by what they hold."""
    file, bucket = database_file(settings), bucket_folder(settings)
    folders = {"database": file and file.parent, "bucket": bucket}
    return {holds: folder for holds, folder in folders.items() if folder is not None}


async def _count_now_and_then(server: Server) -> None:
    ports = server.ports
    while True:
        try:
            now = ports.clock.now()
            queue_stats, living = await ports.store.queue_stats(now=now), await ports.store.living_consumers()
            server.metrics.queue.observe(queue_stats, living, now=now)
        except Exception as error:  # noqa: BLE001  # whatever it was, the next look may succeed
            ports.journal.error(None, error)
        await ports.pause(COUNT_EVERY)
