"""The journal of a server: a JSON line for everything that happens, and a Prometheus counter."""

from editqueue.adapters.journal.json_lines import JsonLines
from editqueue.adapters.journal.metrics import Metrics
from editqueue.adapters.journal.output import Output
from editqueue.domain.errors import code_of
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.journal import Course


class MeteredJournal(JsonLines):
    """`Journal` on structlog and Prometheus."""

    def __init__(self, metrics: Metrics, output: Output) -> None:
        super().__init__(output)
        self._metrics = metrics
        metrics.log_lines_dropped.counted_by(lambda: output.dropped)

    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None:
        self._metrics.jobs.transitions.labels(job.status.value, cause).inc()
        super().transition(job, before=before, cause=cause)

    def attempt(self, job: EditJob, course: Course) -> None:
        self._metrics.jobs.attempted(job, course)
        super().attempt(job, course)

    def error(self, job_id: str | None, error: BaseException) -> None:
        self._metrics.errors.labels(code=code_of(error)).inc()
        super().error(job_id, error)

    def warning(self, event: str, **facts: object) -> None:
        self._metrics.warnings.labels(event=event).inc()
        super().warning(event, **facts)

    def paused(self, ground: str, reason: str) -> None:
        self._metrics.paused.labels(ground=ground).inc()
        super().paused(ground, reason)

    def resumed(self, ground: str, *, seconds: float) -> None:
        self._metrics.paused.labels(ground=ground).dec()
        super().resumed(ground, seconds=seconds)
