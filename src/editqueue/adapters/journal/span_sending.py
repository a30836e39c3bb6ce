"""Spans on their way to the collector. Nobody waits for it, and what it does not take is lost: one warning says so."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import requests
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

TOLD_EVERY: Final = 300.0
"""Seconds in which what was lost is told once."""
_EXPORTERS: Final = logging.getLogger("opentelemetry.exporter")
"""Says why a batch was not sent; of each try, too."""
_QUEUES: Final = logging.getLogger("opentelemetry.sdk._shared_internal")
"""Says that spans come faster than they are sent."""
_HEADERS: Final = logging.getLogger("opentelemetry.util.re")
"""Says which header it cannot read."""


Tell = Callable[[int, str], None]
"""Says how many spans were lost, and why."""


class Losses:
    """Tells of spans that were lost, and why: at once, and then once in `TOLD_EVERY` seconds. Of any thread."""

    def __init__(self, tell: Tell, *, now: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._now = now
        self._lock = threading.Lock()
        self._spans = 0
        self._told = -TOLD_EVERY
        self.reason = ""
        """What was said last of a batch that was not sent."""

    def add(self, spans: int, reason: str) -> None:
        with self._lock:
            self._spans += spans
            if self._now() - self._told < TOLD_EVERY:
                return
            self._told, told, self._spans = self._now(), self._spans, 0
        self._tell(told, reason)

    def tell_the_rest(self) -> None:
        with self._lock:
            told, self._spans = self._spans, 0
        if told:
            self._tell(told, self.reason)


def session_without_redirects() -> requests.Session:
    """The exporter takes a redirect for success, and follows none."""

    def refuse(response: requests.Response, *_: object, **__: object) -> None:
        if response.is_redirect:
            response.close()
            to = urlsplit(response.headers["Location"])
            raise ValueError(
                f"{response.status_code}, redirected to {to.scheme}://{to.hostname}, which is not followed"
            )

    session = requests.Session()
    session.hooks["response"].append(refuse)
    return session


class TellingExporter(SpanExporter):
    """Sends by `exporter`, and adds what it does not get through to `losses`."""

    def __init__(self, exporter: SpanExporter, losses: Losses) -> None:
        self._exporter = exporter
        self._losses = losses

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._losses.add(len(spans), self._losses.reason)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class MessagesKept:
    """What the SDK has to say of spans that it did not send goes to `losses`, and not into the log line by line."""

    def __init__(self, losses: Losses) -> None:
        self._handlers = {_EXPORTERS: _Reason(losses), _QUEUES: _Dropped(losses), _HEADERS: _Headers(losses)}
        for logger, handler in self._handlers.items():
            logger.addHandler(handler)
            logger.propagate = False

    def end(self) -> None:
        for logger, handler in self._handlers.items():
            logger.removeHandler(handler)
            logger.propagate = True


class _Reason(logging.Handler):
    """Of the last try, which may only say that there were enough of them, and of the one before."""

    def __init__(self, losses: Losses) -> None:
        super().__init__(logging.WARNING)
        self._losses = losses
        self._before = ""

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if record.levelno < logging.ERROR:
            self._before = said
        else:
            self._losses.reason, self._before = f"{said} {self._before}".strip(), ""


class _Headers(_Reason):
    """The SDK would say the whole header, and with it the key that is in it."""

    def emit(self, record: logging.LogRecord) -> None:
        del record
        self._losses.reason = "OTEL_EXPORTER_OTLP_HEADERS: a part of it is not name=value, URL-encoded, and is not sent"


class _Dropped(_Reason):
    """The SDK says this of the first span, and then of one in 20 s."""

    def emit(self, record: logging.LogRecord) -> None:
        self._losses.add(1, record.getMessage())
