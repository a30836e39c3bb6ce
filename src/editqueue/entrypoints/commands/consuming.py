"""consume: a consumer only. Nothing of the API is imported: it would take a second."""

import asyncio
from datetime import timedelta

from editqueue.entrypoints.commands.confirming import confirm_bucket, confirm_queue
from editqueue.entrypoints.commands.console import JSON_BACKSTOP, announce, stop_on_signals
from editqueue.entrypoints.commands.counting import metrics_served
from editqueue.entrypoints.commands.open_files import raise_open_files_limit
from editqueue.entrypoints.consumer import Consumer
from editqueue.settings import Settings, load_settings
from editqueue.wiring.places import shown_bucket, shown_database
from editqueue.wiring.server import Server, open_server


async def consume(*, drain: bool) -> None:
    """A consumer only; with `drain` it ends when nothing is left to do. Raises SetupError."""
    raise_open_files_limit()
    settings = load_settings()
    async with open_server(settings, for_good=True) as server, metrics_served(server, settings):
        await confirm_bucket(server, working=True)
        await confirm_queue(server, settings, pulling=True)
        stop = asyncio.Event()
        with stop_on_signals(stop, backstop=JSON_BACKSTOP):
            announce(_work_in_words(settings, server, drain=drain))
            consumer = make_consumer(server, settings, stop)
            await (consumer.drain() if drain else consumer.run())


def _work_in_words(settings: Settings, server: Server, *, drain: bool) -> str:
    jobs = "1 job" if settings.concurrency == 1 else f"{settings.concurrency} jobs"
    end = "ends when nothing is left" if drain else "Ctrl-C ends it"
    return (
        f"editqueue consumes from {shown_database(settings)}, bucket {shown_bucket(settings, server.ports.bucket)}, "
        f"queue {settings.queue}, {jobs} at a time ({end})"
    )


def make_consumer(server: Server, settings: Settings, stop: asyncio.Event) -> Consumer:
    return Consumer(
        ports=server.ports,
        sweep_interval=timedelta(seconds=settings.sweep_interval),
        concurrency=settings.concurrency,
        stop=stop,
    )
