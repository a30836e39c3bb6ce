"""What became of jobs in this process, and how long each part of it took."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from editqueue.adapters.journal.known_labels import FAILURE_CODES, RESULTS, TRANSITIONS
from editqueue.domain.errors import code_in
from editqueue.domain.jobs import EditJob
from editqueue.ports.journal import Course, Stage

LANES = ("express", "normal")
WAIT_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 120, 300, 600, 900, 1800, 3600, 14400)
"""Seconds: an idle consumer is woken within milliseconds; the first retry comes after 15, the sweep after 120."""
STAGE_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Seconds: a claim takes 1 ms, a preview up to EDITQUEUE_IMAGE_TIMEOUT (30), all up to EDITQUEUE_JOB_TIMEOUT (300)."""
ATTEMPT_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
"""Seconds, up to EDITQUEUE_STALE_AFTER (900)."""
FAILURES = ("failed", "retry")
NOT_MADE, NOT_READ = "none", "unknown"
"""In place of the format: the attempt ended without a preview; it got the placeholder."""


class JobMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.transitions = Counter(
            "editqueue_jobs", "Jobs that entered a status in this process", ["status", "cause"], registry=registry
        )
        self.waits = Histogram(
            "editqueue_wait_seconds",
            "From the moment when a job might have run until its claim",
            ["lane"],
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self.attempts = Histogram(
            "editqueue_attempt_seconds",
            "Duration of attempts at a job, from asking for its claim to its end",
            ["result"],
            buckets=ATTEMPT_BUCKETS,
            registry=registry,
        )
        self.stages = Histogram(
            "editqueue_stage_seconds",
            "Duration of the stages of attempts; copy and preview run at the same time",
            ["stage"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self.previews = Histogram(
            "editqueue_preview_seconds",
            "Duration of making previews, by format of the original; none: not made, unknown: placeholder",
            ["format"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self.preview_paths = Counter(
            "editqueue_previews", "Previews made, by the way they were made", ["format", "path"], registry=registry
        )
        self.failures = Counter(
            "editqueue_failed_attempts",
            "Attempts that failed for good, or are made again later, by reason",
            ["result", "code"],
            registry=registry,
        )
        self.bytes_copied = Counter("editqueue_copied_bytes", "Bytes copied to processed/", registry=registry)
        for labels in TRANSITIONS:
            self.transitions.labels(*labels)
        for result in RESULTS:
            self.attempts.labels(result)
        for result in FAILURES:
            for code in FAILURE_CODES:
                self.failures.labels(result, code)
        for lane in LANES:
            self.waits.labels(lane)
        for stage in Stage:
            self.stages.labels(stage.value)

    def attempted(self, job: EditJob, course: Course) -> None:
        self.waits.labels("express" if job.express else "normal").observe(course.waited)
        self.attempts.labels(course.result).observe(course.seconds)
        self.bytes_copied.inc(course.bytes_copied)
        if course.result in FAILURES:
            self.failures.labels(course.result, code_in(course.error or "")).inc()
        made = NOT_MADE if course.preview is None else course.preview.source_format or NOT_READ
        for stage_time in course.stages:
            self.stages.labels(stage_time.stage.value).observe(stage_time.seconds)
            if stage_time.stage is Stage.PREVIEW:
                self.previews.labels(made).observe(stage_time.seconds)
        if course.preview is not None:
            self.preview_paths.labels(made, course.preview.path).inc()
