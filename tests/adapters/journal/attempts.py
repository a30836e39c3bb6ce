"""An attempt that made its job done, for tests to change one thing of."""

from devtools.seeds import NOON
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.journal import Course, PreviewMade, Stage, StageTime

JOB = EditJob(
    id="job-1",
    file_id="file-1",
    order_id="order-1",
    user_id="anna",
    status=JobStatus.IN_PROGRESS,
    created_at=NOON,
    run_after=NOON,
    fair_order=NOON,
    token="the-token",
)
DONE = Course(
    began=NOON,
    waited=2,
    seconds=1.5,
    result="done",
    error=None,
    bytes_copied=42,
    preview=PreviewMade(source_format="dng", path="embedded-jpeg", body_bytes=9),
    stages=(
        StageTime(stage=Stage.CLAIM, began=0, seconds=0.25),
        StageTime(stage=Stage.COPY, began=0.25, seconds=0.75),
        StageTime(stage=Stage.PREVIEW, began=0.25, seconds=0.5),
        StageTime(stage=Stage.PUBLISH, began=1, seconds=0.125),
        StageTime(stage=Stage.SETTLE, began=1.125, seconds=0.375),
    ),
)
