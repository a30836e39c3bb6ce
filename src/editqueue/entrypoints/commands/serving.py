"""serve and consume."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from editqueue.domain.errors import PermanentError, SetupError, StorageUnavailable
from editqueue.entrypoints.commands.addresses import base_url, out_of_reach, public_url, review_link
from editqueue.entrypoints.commands.console import JSON_BACKSTOP, announce, stop_on_signals
from editqueue.entrypoints.commands.open_files import most_connections, raise_open_files_limit
from editqueue.entrypoints.consumer import Consumer
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.connections import ConnectionLimits
from editqueue.entrypoints.http.in_time import Closing
from editqueue.entrypoints.http.web_server import WebServer
from editqueue.settings import Settings, load_settings
from editqueue.wiring.data_dir import jwt_secret
from editqueue.wiring.job_queue import look_at_queue
from editqueue.wiring.places import shown_bucket, shown_database
from editqueue.wiring.server import Server, look_at_bucket, open_server

COUNT_EVERY = 15.0
"""Seconds between looks at the database for the gauges; Prometheus asks about as often."""


async def serve(*, host: str, port: int, with_consumer: bool) -> None:
    """API and, unless told not to, one consumer, until SIGTERM or Ctrl-C. Raises SetupError."""
    raise_open_files_limit()
    settings = load_settings()
    secret = jwt_secret(settings)
    with listening(host, port) as listener:
        bound = listener.getsockname()[1]
        url = public_url(settings, host, bound)
        async with open_server(settings, base_url=url, for_good=True) as server, metrics_served(server, settings):
            await confirm_bucket(server, working=with_consumer)
            await confirm_queue(server, settings, pulling=with_consumer)
            stop = asyncio.Event()
            with stop_on_signals(stop, backstop=JSON_BACKSTOP):
                _announce_server(settings, server, host, bound)
                consumer = make_consumer(server, settings, stop) if with_consumer else None
                await run_both(make_web_server(server, settings, secret), consumer, listener, stop)


def _announce_server(settings: Settings, server: Server, host: str, port: int) -> None:
    listens, called = base_url(host, port), public_url(settings, host, port)
    proxied = "" if called == listens else f", listening on {listens}"
    announce(f"editqueue serves {called}{proxied} (Ctrl-C ends it)")
    announce(f"Review page: {review_link(called, 'ORDER_ID', 'TOKEN')}")
    announce("ORDER_ID: editqueue order create --user-id USER. TOKEN: editqueue token --user-id USER.")
    limits = out_of_reach(settings, host, port, signs=server.object_app is not None)
    if limits is not None:
        announce(limits)


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


async def confirm_bucket(server: Server, *, working: bool) -> None:
    """Raises SetupError if the bucket will never work as it is set up, and for a consumer also if it is away: at a
    start that is most likely a wrong setting, and whoever starts it is there to read so."""
    try:
        await look_at_bucket(server.ports.bucket)
    except (PermanentError, StorageUnavailable) as error:
        if working or isinstance(error, PermanentError):
            raise SetupError(str(error)) from error
        server.ports.journal.warning("bucket_not_confirmed", found=str(error))


async def confirm_queue(server: Server, settings: Settings, *, pulling: bool) -> None:
    """Raises SetupError if the queue will never work as it is set up; one that is away now is written down only."""
    found = await look_at_queue(settings, pulling=pulling)
    if found is None or found.ok:
        return
    if not found.transient:
        raise SetupError(f"{found.detail}; {found.remedy}")
    server.ports.journal.warning("queue_not_confirmed", found=found.detail, remedy=found.remedy)


def make_web_server(server: Server, settings: Settings, secret: str) -> WebServer:
    closing = Closing()
    app = create_app(
        server.ports,
        jwt_secret=secret,
        allowed_origins=settings.allowed_origins,
        own_origin=settings.public_url,
        object_app=server.object_app,
        preview_origin=server.preview_origin,
        closing=closing,
    )
    return WebServer(app, closing=closing, limits=ConnectionLimits(most=most_connections()))


async def run_both(web: WebServer, consumer: Consumer | None, listener: socket.socket, stop: asyncio.Event) -> None:
    """The API on `listener`, and a consumer beside it, until `stop` is set."""
    tasks = [asyncio.create_task(web.serve(sockets=[listener]))]
    if consumer is not None:
        tasks.append(asyncio.create_task(consumer.run()))
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    web.should_exit = True
    await asyncio.gather(ended, *tasks)


def make_consumer(server: Server, settings: Settings, stop: asyncio.Event) -> Consumer:
    return Consumer(
        ports=server.ports,
        sweep_interval=timedelta(seconds=settings.sweep_interval),
        concurrency=settings.concurrency,
        stop=stop,
    )


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


def listening(host: str, port: int) -> socket.socket:
    """A bound socket, for the caller to close. Raises SetupError naming the port when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only then: answers would wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SetupError(f"cannot listen on {host}:{port}: {why}; choose another with --port or --host") from error
    return listener
