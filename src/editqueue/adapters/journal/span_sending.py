"""Spans on their way to the collector. Nobody waits for it, and what it does not take is lost: one warning says so."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

TOLD_EVERY: Final = 300.0
"""Seconds in which what was lost is told once."""
_EXPORTERS: Final = logging.getLogger("opentelemetry.exporter")
"""Says why a batch was not sent; of each try, too."""
_QUEUES: Final = logging.getLogger("opentelemetry.sdk._shared_internal")
"""Says that spans come faster than they are sent."""


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
        self._handlers = {_EXPORTERS: _Reason(losses), _QUEUES: _Dropped(losses)}
        for logger, handler in self._handlers.items():
            logger.addHandler(handler)
            logger.propagate = False

    def end(self) -> None:
        for logger, handler in self._handlers.items():
            logger.removeHandler(handler)
            logger.propagate = True


class _Reason(logging.Handler):
    def __init__(self, losses: Losses) -> None:
        super().__init__(logging.WARNING)
        self._losses = losses

    def emit(self, record: logging.LogRecord) -> None:
        self._losses.reason = record.getMessage()


class _Dropped(_Reason):
    """The SDK says this of the first span, and then of one in 20 s."""

    def emit(self, record: logging.LogRecord) -> None:
        self._losses.add(1, record.getMessage())
