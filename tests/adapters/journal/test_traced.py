"""What spans an attempt has, and what they say."""

from dataclasses import replace

import pytest
from opentelemetry.trace import SpanKind

from devtools.seeds import NOON
from devtools.world import RecordingJournal
from editqueue.adapters.journal.traced import TracedJournal
from editqueue.domain.errors import BrokenPicture
from editqueue.domain.jobs import EditJob
from editqueue.ports.journal import Course, PreviewMade, Stage, StageTime
from tests.adapters.journal import attempts
from tests.adapters.journal.spans import Kept, failure, told

TRACE_ID, REQUEST_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
JOB = replace(attempts.JOB, attempts=2, holder="host:1:abcd", traceparent=f"00-{TRACE_ID}-{REQUEST_ID}-01")
STAGES = (
    StageTime(stage=Stage.CLAIM, began=0, seconds=0.25),
    StageTime(stage=Stage.COPY, began=0.25, seconds=0.5),
    StageTime(stage=Stage.PREVIEW, began=0.25, seconds=1),
    StageTime(stage=Stage.PUBLISH, began=1.25, seconds=0.25),
    StageTime(stage=Stage.SETTLE, began=1.5, seconds=0.5),
)
HEIC = PreviewMade(source_format="heic", path="coded-still", body_bytes=9)
DONE = replace(attempts.DONE, waited=4, seconds=2, preview=HEIC, stages=STAGES)
ATTEMPT = "attempt edit_jobs"


def attempted(course: Course = DONE, job: EditJob = JOB) -> Kept:
    kept = Kept()
    TracedJournal(RecordingJournal(), kept.tracer).attempt(job, course)
    return kept


def test_an_attempt_is_a_child_of_the_request_that_its_job_came_from_and_linked_to_it() -> None:
    attempt = attempted().spans()[ATTEMPT]

    assert attempt.parent is not None
    assert (f"{attempt.parent.trace_id:032x}", f"{attempt.parent.span_id:016x}") == (TRACE_ID, REQUEST_ID)
    assert [f"{link.context.span_id:016x}" for link in attempt.links] == [REQUEST_ID]
    assert attempt.kind is SpanKind.CONSUMER


@pytest.mark.parametrize("traceparent", [None, "", "gibberish"])
def test_an_attempt_at_a_job_of_no_request_is_a_trace_of_its_own(traceparent: str | None) -> None:
    attempt = attempted(job=replace(JOB, traceparent=traceparent)).spans()[ATTEMPT]

    assert (attempt.parent, [*attempt.links]) == (None, [])


def test_where_the_request_was_not_sampled_its_attempts_are_not() -> None:
    assert attempted(job=replace(JOB, traceparent=f"00-{TRACE_ID}-{REQUEST_ID}-00")).spans() == {}


def test_each_stage_is_a_span_with_its_own_times_inside_of_the_attempt() -> None:
    spans = attempted().spans()

    zero = round(NOON.timestamp()) * 10**9
    times = {name: ((span.start_time or 0) - zero, (span.end_time or 0) - zero) for name, span in spans.items()}
    assert {name: (begin / 1e9, end / 1e9) for name, (begin, end) in times.items()} == {
        ATTEMPT: (-4, 2),
        "wait": (-4, 0),
        "claim edit_jobs": (0, 0.25),
        "copy": (0.25, 0.75),
        "preview": (0.25, 1.25),
        "publish": (1.25, 1.5),
        "settle edit_jobs": (1.5, 2),
    }
    context = spans[ATTEMPT].context
    assert context is not None
    assert {span.parent and span.parent.span_id for name, span in spans.items() if name != ATTEMPT} == {context.span_id}


def test_the_preview_says_what_was_made_of_what() -> None:
    assert told(attempted().spans()["preview"]) == {
        "editqueue.preview.format": "heic",
        "editqueue.preview.path": "coded-still",
        "editqueue.preview.bytes": 9,
    }


def test_nothing_is_said_of_the_customer_but_the_ids_that_the_log_has_too() -> None:
    values = {str(value) for span in attempted().spans().values() for value in told(span).values()}

    assert {"job-1", "file-1"} <= values
    assert not values & {"anna", "order-1", "the-token"}


@pytest.mark.parametrize(
    ("result", "error", "code"),
    [
        ("done", None, None),
        ("failed", "broken_picture: user/anna/x.jpg is cut off", "broken_picture"),
        ("retry", "transient: x", "transient"),
        ("handed_back", None, None),
        ("handed_back", "storage_unavailable: gone", "storage_unavailable"),
        ("claim_lost", None, "claim_lost"),
    ],
)
def test_an_attempt_that_failed_says_by_what_code_and_no_more(result: str, error: str | None, code: str | None) -> None:
    attempt = attempted(replace(DONE, result=result, error=error)).spans()[ATTEMPT]

    assert failure(attempt) == code
    assert told(attempt)["editqueue.result"] == result
    assert not attempt.status.description
    assert [*attempt.events] == []


def test_the_stage_that_failed_is_told_and_those_that_were_never_begun_are_not() -> None:
    cut = (*STAGES[:1], replace(STAGES[1], error="raw_missing"), STAGES[4])
    course = replace(DONE, result="failed", error="raw_missing: x", preview=None, stages=cut)

    spans = attempted(course).spans()

    assert {name: failure(span) for name, span in spans.items()} == {
        ATTEMPT: "raw_missing",
        "wait": None,
        "claim edit_jobs": None,
        "copy": "raw_missing",
        "settle edit_jobs": None,
    }


def test_a_placeholder_is_no_failure() -> None:
    failed = tuple(
        replace(stage, error="no_tool_for_format") if stage.stage is Stage.PREVIEW else stage for stage in STAGES
    )
    placeholder = PreviewMade(source_format=None, path="placeholder", body_bytes=42)

    preview = attempted(replace(DONE, preview=placeholder, stages=failed)).spans()["preview"]

    assert (failure(preview), told(preview)["editqueue.preview.path"]) == (None, "placeholder")


def test_all_else_goes_to_the_log_as_before() -> None:
    log = RecordingJournal()
    journal = TracedJournal(log, Kept().tracer)

    journal.attempt(JOB, DONE)
    journal.transition(JOB, before=None, cause="submit")
    journal.error("job-1", BrokenPicture("x"))
    journal.warning("message_not_ours", receipt="r")
    journal.paused("bucket", "away")
    journal.resumed("bucket", seconds=1)

    assert log.attempts == [DONE]
    assert log.causes() == ["submit"]
    assert (len(log.errors), log.warnings) == (1, ["message_not_ours"])
    assert log.pauses == ["paused bucket", "resumed bucket"]
