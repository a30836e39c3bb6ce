"""What Prometheus gets to know of the life of a photo."""

from dataclasses import replace

import pytest

from editqueue.adapters.image_tools.render import WAYS
from editqueue.adapters.journal.job_metrics import ATTEMPT_BUCKETS, STAGE_BUCKETS
from editqueue.adapters.journal.metrics import Metrics
from editqueue.domain.jobs import EditJob
from editqueue.ports import Limits
from editqueue.ports.journal import Course, PreviewMade, Stage
from tests.adapters.journal.attempts import DONE, JOB

LONGEST_SCRAPE = 1000
"""Samples of one process at work, at most; a dashboard of a hundred processes still opens."""


class Numbers:
    """The metrics of a process that made these attempts."""

    def __init__(self, *courses: Course, job: EditJob = JOB) -> None:
        self.metrics = Metrics()
        for course in courses:
            self.metrics.jobs.attempted(job, course)

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def test_each_part_of_an_attempt_is_a_histogram() -> None:
    number = Numbers(DONE)

    assert number("editqueue_wait_seconds_sum", lane="normal") == 2
    assert number("editqueue_attempt_seconds_sum", result="done") == 1.5
    stages = {stage: number("editqueue_stage_seconds_sum", stage=stage) for stage in Stage}
    assert stages == {"claim": 0.25, "copy": 0.75, "preview": 0.5, "publish": 0.125, "settle": 0.375}
    assert number("editqueue_preview_seconds_sum", format="dng") == 0.5
    assert number("editqueue_previews_total", format="dng", path="embedded-jpeg") == 1
    assert number("editqueue_copied_bytes_total") == 42


def test_what_waits_in_the_express_lane_is_told_apart() -> None:
    number = Numbers(DONE, job=replace(JOB, express=True))

    assert number("editqueue_wait_seconds_count", lane="express") == 1
    assert number("editqueue_wait_seconds_count", lane="normal") == 0


@pytest.mark.parametrize("result", ["failed", "retry"])
def test_failures_are_counted_by_their_reason(result: str) -> None:
    error = "storage_unavailable: the bucket did not answer: Connection refused"
    number = Numbers(replace(DONE, result=result, error=error, bytes_copied=0, preview=None))

    assert number("editqueue_failed_attempts_total", result=result, code="storage_unavailable") == 1
    assert number("editqueue_attempt_seconds_count", result=result) == 1
    assert number("editqueue_preview_seconds_count", format="none") == 1


@pytest.mark.parametrize("result", ["done", "handed_back", "claim_lost"])
def test_what_is_given_back_is_no_failure(result: str) -> None:
    number = Numbers(replace(DONE, result=result, error="ground_lost: database: away"))

    assert number("editqueue_failed_attempts_total", result=result, code="ground_lost") is None
    assert number("editqueue_attempt_seconds_count", result=result) == 1


def test_a_placeholder_is_of_an_unknown_format() -> None:
    number = Numbers(replace(DONE, preview=PreviewMade(source_format=None, path="placeholder", body_bytes=9)))

    assert number("editqueue_previews_total", format="unknown", path="placeholder") == 1
    assert number("editqueue_preview_seconds_count", format="unknown") == 1


def test_whatever_can_happen_has_a_series_before_it_happens() -> None:
    number = Numbers()

    assert number("editqueue_jobs_total", status="failed", cause="fail") == 0
    assert number("editqueue_failed_attempts_total", result="failed", code="internal_error") == 0
    assert number("editqueue_attempt_seconds_count", result="handed_back") == 0
    assert number("editqueue_errors_total", code="queue_refused") == 0
    assert number("editqueue_warnings_total", event="consumer_lock_missing") == 0
    assert number("editqueue_wait_seconds_count", lane="express") == 0
    assert number("editqueue_stage_seconds_count", stage="settle") == 0


def test_the_buckets_reach_to_the_limits() -> None:
    assert STAGE_BUCKETS[-1] == Limits().job_timeout.total_seconds()
    assert ATTEMPT_BUCKETS[-1] == Limits().stale_after.total_seconds()


def test_a_process_that_saw_every_format_is_still_a_small_scrape() -> None:
    of_each = [replace(DONE, preview=PreviewMade(source_format=kind, path="libraw", body_bytes=9)) for kind in WAYS]
    number = Numbers(*of_each)

    samples = [sample for family in number.metrics.registry.collect() for sample in family.samples]
    assert len({sample.labels["format"] for sample in samples if "format" in sample.labels}) == len(WAYS)
    assert len(samples) < LONGEST_SCRAPE
