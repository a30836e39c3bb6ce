"""Spans that the collector does not take are lost, and told of in few lines."""

import logging
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from editqueue.adapters.journal.span_sending import TOLD_EVERY, Losses, MessagesKept, TellingExporter

FAILURE, SUCCESS = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
EXPORTERS = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")
QUEUES = logging.getLogger("opentelemetry.sdk._shared_internal")
SPAN = ReadableSpan(name="a span")


class Told:
    """Losses by a clock that a test moves, and what was told of them."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.now = 0.0
        self.losses = Losses(lambda spans, reason: self.lines.append((spans, reason)), now=lambda: self.now)


class Refusing(SpanExporter):
    def __init__(self, *results: SpanExportResult) -> None:
        self._results = [*results]

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._results.pop(0)
        if result is FAILURE:
            EXPORTERS.error("Failed to export %s batch", "spans")
        return result


def test_what_is_lost_is_told_at_once_and_then_once_in_five_minutes_with_how_many_there_were() -> None:
    told = Told()
    told.losses.add(8, "away")
    told.losses.add(8, "away")
    told.now = TOLD_EVERY - 1
    told.losses.add(8, "away")
    told.now = TOLD_EVERY
    told.losses.add(1, "still away")

    assert told.lines == [(8, "away"), (17, "still away")]


def test_at_the_end_the_rest_is_told() -> None:
    told = Told()
    told.losses.reason = "away"
    told.losses.add(8, "away")
    told.losses.tell_the_rest()
    told.losses.add(3, "away")
    told.losses.tell_the_rest()

    assert told.lines == [(8, "away"), (3, "away")]


def test_a_batch_that_was_not_sent_is_told_with_what_the_sdk_said_of_it(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    messages = MessagesKept(told.losses)
    exporter = TellingExporter(Refusing(SUCCESS, FAILURE), told.losses)

    assert [exporter.export([SPAN, SPAN]) for _ in range(2)] == [SUCCESS, FAILURE]
    messages.end()

    assert told.lines == [(2, "Failed to export spans batch")]
    assert caplog.records == [], "nothing of it goes into the log line by line"


def test_spans_that_come_faster_than_they_are_sent_are_told(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    messages = MessagesKept(told.losses)

    QUEUES.warning("Queue full, dropping %s.", "Span")
    messages.end()

    assert told.lines == [(1, "Queue full, dropping Span.")]
    assert caplog.records == []


def test_afterwards_the_messages_of_the_sdk_go_where_they_went_before(caplog: pytest.LogCaptureFixture) -> None:
    MessagesKept(Told().losses).end()

    EXPORTERS.error("hello")

    assert [record.getMessage() for record in caplog.records] == ["hello"]
