"""The journal of a server that makes a trace of each attempt (OpenTelemetry, semantic conventions of messaging)."""

from collections.abc import Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from editqueue.domain.errors import code_in
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.journal import Course, Journal, Stage, StageTime

QUEUE: Final = "edit_jobs"
"""What the conventions call the destination: the table in which jobs wait."""
_OPERATIONS: Final = {Stage.CLAIM: "receive", Stage.SETTLE: "settle"}
"""The stages that are operations of the queue, and their types by the conventions."""
_W3C: Final = TraceContextTextMapPropagator()

Attributes = dict[str, str | int | bool]


class TracedJournal:
    """`Journal` that makes spans of each attempt once it is over, and leaves all else to `journal`.

    An attempt is a child of the request that its job came from, and linked to it; without one, a trace of its own. It
    has a span for the time it waited and one for each of its stages.
    """

    def __init__(self, journal: Journal, tracer: Tracer) -> None:
        self._journal = journal
        self._tracer = tracer

    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None:
        self._journal.transition(job, before=before, cause=cause)

    def attempt(self, job: EditJob, course: Course) -> None:
        self._journal.attempt(job, course)
        _AttemptSpans(self._tracer, job, course).make()

    def error(self, job_id: str | None, error: BaseException) -> None:
        self._journal.error(job_id, error)

    def warning(self, event: str, **facts: object) -> None:
        self._journal.warning(event, **facts)

    def paused(self, ground: str, reason: str) -> None:
        self._journal.paused(ground, reason)

    def resumed(self, ground: str, *, seconds: float) -> None:
        self._journal.resumed(ground, seconds=seconds)


class _AttemptSpans:
    """Of one attempt. Times are nanoseconds since 1970."""

    def __init__(self, tracer: Tracer, job: EditJob, course: Course) -> None:
        self._tracer = tracer
        self._job = job
        self._course = course
        self._began = round(course.began.timestamp() * 1e9)

    def make(self) -> None:
        request = _W3C.extract({"traceparent": self._job.traceparent} if self._job.traceparent else {}, Context())
        origin = trace.get_current_span(request).get_span_context()
        since = self._began - _ns(self._course.waited)
        attempt = self._tracer.start_span(
            f"attempt {QUEUE}",
            context=request,
            kind=SpanKind.CONSUMER,
            attributes=self._operation("attempt", "process") | self._facts(),
            links=[Link(origin)] if origin.is_valid else None,
            start_time=since,
        )
        _failed(attempt, self._error())
        inside = trace.set_span_in_context(attempt, Context())
        self._tracer.start_span("wait", context=inside, start_time=since).end(self._began)
        for stage in self._course.stages:
            self._make_stage(stage, inside)
        attempt.end(self._began + _ns(self._course.seconds))

    def _make_stage(self, stage: StageTime, inside: Context) -> None:
        operation = _OPERATIONS.get(stage.stage)
        begin = self._began + _ns(stage.began)
        span = self._tracer.start_span(
            f"{stage.stage} {QUEUE}" if operation else stage.stage.value,
            context=inside,
            kind=SpanKind.CLIENT if operation else SpanKind.INTERNAL,
            attributes=self._operation(stage.stage, operation) if operation else self._made_by(stage.stage),
            start_time=begin,
        )
        _failed(span, None if self._is_placeholder and stage.stage is Stage.PREVIEW else stage.error)
        span.end(begin + _ns(stage.seconds))

    def _operation(self, name: str, kind: str) -> Attributes:
        named: Attributes = {
            "messaging.system": "editqueue",
            "messaging.destination.name": QUEUE,
            "messaging.operation.name": name,
            "messaging.operation.type": kind,
            "messaging.message.id": self._job.id,
        }
        return named | ({"messaging.client.id": self._job.holder} if self._job.holder else {})

    def _facts(self) -> Attributes:
        return {
            "editqueue.file.id": self._job.file_id,
            "editqueue.attempt": self._job.attempts,
            "editqueue.express": self._job.express,
            "editqueue.result": self._course.result,
            "editqueue.copied_bytes": self._course.bytes_copied,
        }

    def _made_by(self, stage: Stage) -> Mapping[str, str | int]:
        preview = self._course.preview
        if stage is not Stage.PREVIEW or preview is None:
            return {}
        made = {"editqueue.preview.path": preview.path, "editqueue.preview.bytes": preview.body_bytes}
        return made | ({"editqueue.preview.format": preview.source_format} if preview.source_format else {})

    @property
    def _is_placeholder(self) -> bool:
        """A format that no tool reads fails no attempt."""
        return self._course.preview is not None and self._course.preview.path == "placeholder"

    def _error(self) -> str | None:
        if self._course.result == "claim_lost":
            return "claim_lost"
        return None if self._course.error is None else code_in(self._course.error)


def _failed(span: Span, code: str | None) -> None:
    """Nothing without a code. Of an error no more than its code is said: its text names objects."""
    if code is not None:
        span.set_attribute("error.type", code)
        span.set_status(StatusCode.ERROR)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
