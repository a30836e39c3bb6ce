"""The port where Prometheus asks: bounded in connections and in time, and silent about clients that leave."""

import io
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any, Final, TextIO, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry
from prometheus_client import make_wsgi_app as _untyped_app  # pyright: ignore[reportUnknownVariableType]  # has no types

MOST_CONNECTIONS: Final = 16
"""At once; more are closed without an answer. Each takes a thread and a file descriptor."""
SILENCE_SECONDS: Final = 10
"""Until a client that neither sends nor reads is hung up on."""
LONGEST_SECONDS: Final = 20
"""Until any client is: one that sends a byte now and then would keep its place for ever."""
_logger: Final = logging.getLogger(__name__)


class MetricsServer(ThreadingMixIn, WSGIServer):
    """Each request in a thread of its own."""

    daemon_threads = True

    def __init__(self, registry: CollectorRegistry, *, host: str, port: int) -> None:
        """Raises OSError when the port is taken."""
        [(self.address_family, *_, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self._free = threading.Semaphore(MOST_CONNECTIONS)
        self._since: dict[Any, float] = {}
        super().__init__((str(address[0]), port), _Handler)
        self.set_app(_told(cast("WSGIApplication", _untyped_app(registry))))

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread was to be had
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        self._since[request] = time.monotonic()
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._since[request]
            self._free.release()

    def service_actions(self) -> None:
        """Twice a second, in the thread that accepts."""
        super().service_actions()
        oldest = time.monotonic() - LONGEST_SECONDS
        for request, since in tuple(self._since.items()):
            if since < oldest:
                _hang_up(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # so the standard library calls it
        """An OSError is a client that was silent for too long, or has left."""
        error = sys.exception()
        if not isinstance(error, OSError):
            _logger.error("a request for metrics was not answered", exc_info=error)


class _Handler(WSGIRequestHandler):
    timeout = SILENCE_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # so the standard library calls it
        """Requests are no news."""

    def get_stderr(self) -> TextIO:
        """For tracebacks in plain text, also of clients that do not read."""
        return io.StringIO()


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended by itself
        connection.shutdown(socket.SHUT_RDWR)


def _told(app: WSGIApplication) -> WSGIApplication:
    """The same, its errors logged: the client gets no more than a 500."""

    def telling(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return app(environ, start_response)
        except Exception:
            _logger.exception("the metrics cannot be counted")
            raise

    return telling
