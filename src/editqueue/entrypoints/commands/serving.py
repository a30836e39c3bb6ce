"""serve: the API, the review page and a consumer."""

import asyncio
import socket

from editqueue.domain.errors import SetupError
from editqueue.entrypoints.commands.addresses import base_url, out_of_reach, public_url, review_link
from editqueue.entrypoints.commands.confirming import confirm_bucket, confirm_queue
from editqueue.entrypoints.commands.console import JSON_BACKSTOP, announce, stop_on_signals
from editqueue.entrypoints.commands.consuming import make_consumer
from editqueue.entrypoints.commands.counting import metrics_served
from editqueue.entrypoints.commands.open_files import most_connections, raise_open_files_limit
from editqueue.entrypoints.consumer import Consumer
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.connections import ConnectionLimits
from editqueue.entrypoints.http.in_time import Closing
from editqueue.entrypoints.http.web_server import WebServer
from editqueue.settings import Settings, load_settings
from editqueue.wiring.data_dir import jwt_secret
from editqueue.wiring.server import Server, open_server


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
        count=server.metrics.requests.answered,
    )
    traced = app if server.traced is None else server.traced(app)
    return WebServer(traced, closing=closing, limits=ConnectionLimits(most=most_connections()))


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
