"""The log lines people search, and the counters people watch."""

import io
import json
import socket
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from editqueue.adapters.journal.direct_output import DirectOutput
from editqueue.adapters.journal.known_labels import GROUNDS
from editqueue.adapters.journal.metered import MeteredJournal
from editqueue.adapters.journal.metrics import Metrics
from editqueue.domain.errors import BrokenPicture, SetupError
from editqueue.domain.jobs import JobStatus
from tests.adapters.journal import attempts

JOB = replace(attempts.JOB, attempts=2)


class Written:
    """A journal, its lines and its numbers."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self._stream = io.StringIO()
        self.journal = MeteredJournal(self.metrics, DirectOutput(self._stream))

    def line(self) -> dict[str, Any]:
        [line] = self.lines()
        return line

    def lines(self) -> list[dict[str, Any]]:
        assert JOB.token not in self._stream.getvalue()
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    def number(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def test_an_attempt_is_one_line() -> None:
    written = Written()
    before = datetime.now(UTC)

    written.journal.attempt(JOB, replace(attempts.DONE, seconds=1.23456))

    line = written.line()
    assert before <= datetime.fromisoformat(line.pop("timestamp")) <= datetime.now(UTC)
    assert line == {
        "event": "attempt",
        "level": "info",
        "job_id": "job-1",
        "file_id": "file-1",
        "duration": 1.235,
        "bytes_copied": 42,
        "result": "done",
    }
    assert written.number("editqueue_attempt_seconds_count", result="done") == 1
    assert written.number("editqueue_attempt_seconds_sum", result="done") == 1.23456
    assert written.number("editqueue_copied_bytes_total") == 42


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (BrokenPicture("zwei\nZeilen – ü"), "broken_picture", "zwei\nZeilen – ü"),
        (RuntimeError("boom"), "internal_error", "RuntimeError: boom"),
        (RuntimeError(), "internal_error", "RuntimeError"),
    ],
)
def test_an_error_is_one_line(error: Exception, code: str, text: str) -> None:
    written = Written()

    written.journal.error("job-1", error)

    line = written.line()
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    assert (line["level"], line["job_id"], line["code"], line["error"]) == ("error", "job-1", code, text)
    assert written.number("editqueue_errors_total", code=code) == 1


def test_an_error_without_a_job_says_so() -> None:
    written = Written()

    written.journal.error(None, RuntimeError("boom"))

    assert written.line()["job_id"] is None


@pytest.mark.parametrize("status", list(JobStatus))
def test_every_status_is_counted(status: JobStatus) -> None:
    written = Written()

    written.journal.transition(JOB.moved_to(status), before=JobStatus.QUEUED, cause="test")

    line = written.line()
    assert (line["event"], line["before"], line["after"], line["attempts"]) == ("transition", "queued", status.value, 2)
    assert written.number("editqueue_jobs_total", status=status.value, cause="test") == 1


def test_a_new_job_had_no_status_before() -> None:
    written = Written()

    written.journal.transition(JOB, before=None, cause="submit")

    assert written.line()["before"] is None


def test_a_warning_keeps_its_facts() -> None:
    written = Written()

    written.journal.warning("placeholder", file_id="file-1", why="no tool")

    line = written.line()
    assert (line["level"], line["event"], line["file_id"], line["why"]) == (
        "warning",
        "placeholder",
        "file-1",
        "no tool",
    )
    assert written.number("editqueue_warnings_total", event="placeholder") == 1


def test_a_pause_is_a_warning_and_a_gauge_and_its_end_is_told_with_its_length() -> None:
    written = Written()
    assert [written.number("editqueue_consumer_paused", ground=ground) for ground in GROUNDS] == [0, 0, 0]

    written.journal.paused("bucket", "no answer")
    line = written.line()
    assert (line["event"], line["level"]) == ("consumer_paused", "warning")
    assert (line["ground"], line["reason"]) == ("bucket", "no answer")
    assert [written.number("editqueue_consumer_paused", ground=ground) for ground in GROUNDS] == [0, 1, 0]

    written.journal.resumed("bucket", seconds=1.23456)
    line = written.lines()[-1]
    assert (line["event"], line["level"]) == ("consumer_resumed", "info")
    assert (line["ground"], line["seconds"]) == ("bucket", 1.235)
    assert written.number("editqueue_consumer_paused", ground="bucket") == 0


def test_lines_that_were_lost_are_counted() -> None:
    metrics = Metrics()
    assert metrics.registry.get_sample_value("editqueue_log_lines_dropped_total") == 0

    MeteredJournal(metrics, DirectOutput(None)).warning("placeholder")

    assert metrics.registry.get_sample_value("editqueue_log_lines_dropped_total") == 1


def test_the_skew_of_the_clock_is_a_gauge() -> None:
    metrics = Metrics()
    metrics.skew.labels(against="database").set(-2.5)

    assert metrics.registry.get_sample_value("editqueue_clock_skew_seconds", {"against": "database"}) == -2.5


def test_two_journals_of_one_process_do_not_share_numbers() -> None:
    first, second = Written(), Written()

    first.journal.attempt(JOB, replace(attempts.DONE, bytes_copied=7))

    assert second.number("editqueue_copied_bytes_total") == 0


def test_a_taken_metrics_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"EDITQUEUE_METRICS_PORT={port}"):
            Metrics().serve(port)


def test_the_metrics_are_served_on_their_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    metrics = Metrics()
    metrics.jobs.bytes_copied.inc(5)
    metrics.serve(port)

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"editqueue_copied_bytes_total 5.0" in answer.read()


def test_an_error_that_nobody_raised_on_purpose_comes_with_its_traceback() -> None:
    written = Written()
    defect: Any = []
    with pytest.raises(TypeError) as caught:
        _ = defect + 1

    written.journal.error("job-1", caught.value)

    line = written.line()
    assert line["code"] == "internal_error"
    assert "test_metered.py" in line["traceback"]
    assert line["traceback"].rstrip().endswith('TypeError: can only concatenate list (not "int") to list')
    assert written.number("editqueue_errors_total", code="internal_error") == 1


def test_an_error_of_ours_has_no_traceback() -> None:
    written = Written()

    written.journal.error("job-1", BrokenPicture("kaputt"))

    assert "traceback" not in written.line()
