"""The way of spans to a collector, whatever that does."""

import threading
import time
from collections.abc import Generator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from devtools.installation import free_port
from devtools.otlp_collector import Collector, otlp_collector
from devtools.patience import PATIENCE
from devtools.world import RecordingJournal
from editqueue.adapters.journal.tracing import FLUSH_SECONDS, Tracing
from tests.adapters.journal.test_traced import DONE, JOB


@pytest.fixture(name="collector")
def _collector(monkeypatch: pytest.MonkeyPatch) -> Generator[Collector]:
    with otlp_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


class Stuck(SpanExporter):
    """Takes the first batch, and does not come back from it until it is let go."""

    def __init__(self) -> None:
        self.entered, self.let_go = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        self.let_go.wait(PATIENCE)
        return SpanExportResult.SUCCESS


def attempts(tracing: Tracing, count: int = 1) -> None:
    journal = tracing.journal(RecordingJournal())
    for _ in range(count):
        journal.attempt(JOB, DONE)


def test_what_waits_is_sent_at_the_end(collector: Collector) -> None:
    tracing = Tracing(RecordingJournal())
    attempts(tracing)
    tracing.close()

    assert len(collector.spans()) == 7


def test_a_service_is_called_what_its_operator_calls_it(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=night,service.name=other")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "photos")
    tracing = Tracing(RecordingJournal())
    attempts(tracing)
    tracing.close()

    resource = collector.spans()[0].resource
    assert resource["service.name"] == "photos"
    assert resource["deployment.environment.name"] == "night"
    assert resource["service.version"]
    assert resource["service.instance.id"]


@pytest.mark.parametrize("status", [301, 302, 401, 404, 500, 503])
def test_what_a_collector_refuses_is_told_once(collector: Collector, status: int) -> None:
    collector.status = status
    log = RecordingJournal()
    tracing = Tracing(log)
    attempts(tracing)
    tracing.close()

    assert log.warnings == ["traces_not_sent"]


def test_a_collector_that_is_away_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    log = RecordingJournal()
    tracing = Tracing(log)
    attempts(tracing)
    began = time.monotonic()
    tracing.close()

    assert time.monotonic() - began < FLUSH_SECONDS + 10
    assert log.warnings == ["traces_not_sent"]


def test_who_makes_spans_waits_for_no_collector_and_the_end_not_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    log, stuck = RecordingJournal(), Stuck()
    tracing = Tracing(log, exporter=stuck)
    attempts(tracing)
    assert stuck.entered.wait(PATIENCE)

    attempts(tracing, 20)
    assert log.warnings == ["traces_not_sent"], "the queue is full, and nobody has waited"
    tracing.close()

    stuck.let_go.set()
    assert {*log.warnings} == {"traces_not_sent"}


def test_variables_that_the_sdk_cannot_work_by_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")

    with pytest.raises(ValueError, match="max_export_batch_size"):
        Tracing(RecordingJournal())


def test_a_look_at_the_collector_says_what_is_wrong_with_it(collector: Collector) -> None:
    assert Tracing.look_at_collector() is None
    collector.status = 404
    assert "404" in str(Tracing.look_at_collector())
    collector.status = 301
    said = str(Tracing.look_at_collector())
    assert ("redirected to http://127.0.0.1" in said, "secret" in said) == (True, False)


def test_a_look_at_a_collector_that_is_away_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")

    # More than once: what still ends of another test says so by the same logger.
    assert any("refused" in str(Tracing.look_at_collector()) for _ in range(3))


def test_a_header_that_cannot_be_read_is_told_without_the_key_that_is_in_it(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization: Bearer secret")
    log = RecordingJournal()
    Tracing(log).close()

    assert log.warnings == ["traces_not_sent"]
    assert "OTEL_EXPORTER_OTLP_HEADERS" in str(Tracing.look_at_collector())
    assert "secret" not in caplog.text
