"""Traces by OpenTelemetry's SDK, which reads the `OTEL_*` variables itself. Needs the extra `otel`."""

import threading
from collections.abc import Callable
from importlib import metadata
from typing import Final
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from starlette.types import ASGIApp

from editqueue.adapters.journal.server_spans import ServerSpans, current_traceparent
from editqueue.adapters.journal.span_sending import Losses, MessagesKept, TellingExporter, session_without_redirects
from editqueue.adapters.journal.traced import TracedJournal
from editqueue.ports.journal import Journal

FLUSH_SECONDS: Final = 2.0
"""How long `close` waits for what is not sent yet."""
LOOK_SECONDS: Final = 3.0
"""How long the collector has for an answer to nothing."""


class Tracing:
    """Makes spans, and sends them in a thread of its own. What comes faster than it is sent is dropped.

    `journal` is told when spans are lost. Raises ValueError for `OTEL_*` variables that the SDK cannot work by.
    """

    def __init__(self, journal: Journal, *, exporter: SpanExporter | None = None) -> None:
        def tell(spans: int, reason: str) -> None:
            journal.warning("traces_not_sent", spans=spans, reason=reason)

        self._losses = Losses(tell)
        self._messages = MessagesKept(self._losses)
        try:
            exporter = TellingExporter(exporter or _otlp_exporter(), self._losses)
            # Not the SDK's global one, by which FastAPI would make spans of its own, too.
            self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        except BaseException:
            self._messages.end()
            raise
        if self._losses.reason:
            tell(0, self._losses.reason)
        self._tracer = self._provider.get_tracer("editqueue", metadata.version("editqueue"))

    traceparent: Callable[[], str | None] = staticmethod(current_traceparent)
    """Of the request that runs."""

    def journal(self, journal: Journal) -> Journal:
        return TracedJournal(journal, self._tracer)

    def requests(self, app: ASGIApp) -> ASGIApp:
        return ServerSpans(app, self._tracer)

    @staticmethod
    def look_at_collector() -> str | None:
        """Send nothing to the collector; returns what is wrong if it does not take that. Blocks for `LOOK_SECONDS`."""
        losses = Losses(lambda _spans, _reason: None)
        messages = MessagesKept(losses)
        exporter = _otlp_exporter(timeout=LOOK_SECONDS)
        of_settings = losses.reason
        try:
            if exporter.export([]) is not SpanExportResult.SUCCESS:
                return losses.reason
            return of_settings or None
        finally:
            exporter.shutdown()
            messages.end()

    def close(self) -> None:
        """Send what waits, for at most `FLUSH_SECONDS`."""
        # The SDK's own bound is 30 s, and a batch under way is not cut off by it.
        ending = threading.Thread(target=self._provider.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)
        if ending.is_alive():
            self._losses.reason = f"the collector took longer than {FLUSH_SECONDS:g} s for the last spans"
            self._losses.add(1, self._losses.reason)
        self._losses.tell_the_rest()
        self._messages.end()


def _otlp_exporter(*, timeout: float | None = None) -> OTLPSpanExporter:
    return OTLPSpanExporter(timeout=timeout, session=session_without_redirects())


def _resource() -> Resource:
    """`OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come before what is said here."""
    ours = {
        "service.name": "editqueue",
        "service.version": metadata.version("editqueue"),
        "service.instance.id": str(uuid4()),
    }
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})
