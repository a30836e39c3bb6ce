"""A collector of OpenTelemetry's: takes spans by OTLP over HTTP, as protobuf, and keeps them."""

import gzip
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent

from devtools.patience import PATIENCE

Value = str | int | bool | float


@dataclass(frozen=True, kw_only=True)
class Span:
    trace_id: str
    id: str
    parent_id: str
    """Empty for the first of a trace that nobody else began."""
    name: str
    kind: str
    """As the protocol calls it, in small letters: internal, server, client, producer, consumer."""
    begin: int
    end: int
    """Nanoseconds since 1970."""
    failed: bool
    attributes: Mapping[str, Value]
    links: Sequence[str]
    """Ids of spans."""
    resource: Mapping[str, Value]


@dataclass
class Collector:
    url: str = ""
    status: int = 200
    """That it answers with."""
    silent: bool = False
    """It takes what comes and does not answer, until the test is over."""
    requests: int = 0
    _spans: list[Span] = field(default_factory=list[Span])
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _over: threading.Event = field(default_factory=threading.Event)

    def spans(self, until: Callable[[Sequence[Span]], bool] = bool) -> Sequence[Span]:
        """All there are once `until` holds of them; fails if it does not in time."""
        with self._changed:
            assert self._changed.wait_for(lambda: until(self._spans), PATIENCE), [span.name for span in self._spans]
            return [*self._spans]

    def asked(self, times: int = 1) -> None:
        """Wait for so many requests."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.requests >= times, PATIENCE)

    def take(self, body: bytes) -> int:
        """The status of the answer."""
        with self._changed:
            self.requests += 1
            if self.status == 200 and not self.silent:
                self._spans += _spans_in(body)
            self._changed.notify_all()
        if self.silent:
            self._over.wait(PATIENCE)
        return self.status

    def end(self) -> None:
        self._over.set()


@contextmanager
def otlp_collector() -> Generator[Collector]:
    """One on a free port; `url` is what `OTEL_EXPORTER_OTLP_ENDPOINT` is set to."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # so the standard library calls it
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            status = collector.take(body) if self.path == "/v1/traces" else 404
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{collector.url}/elsewhere?key=secret")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the same
            """Requests are no news."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        collector.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield collector
        finally:
            collector.end()
            server.shutdown()
            serving.join()


def _spans_in(body: bytes) -> Sequence[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        _read(span, _values(group.resource.attributes))
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _read(sent: Sent, resource: Mapping[str, Value]) -> Span:
    return Span(
        trace_id=sent.trace_id.hex(),
        id=sent.span_id.hex(),
        parent_id=sent.parent_span_id.hex(),
        name=sent.name,
        kind=Sent.SpanKind.Name(sent.kind).removeprefix("SPAN_KIND_").lower(),
        begin=sent.start_time_unix_nano,
        end=sent.end_time_unix_nano,
        failed=sent.status.code == sent.status.STATUS_CODE_ERROR,
        attributes=_values(sent.attributes),
        links=[link.span_id.hex() for link in sent.links],
        resource=resource,
    )


def _values(pairs: Sequence[KeyValue]) -> Mapping[str, Value]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in pairs}
