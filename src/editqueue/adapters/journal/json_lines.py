"""One JSON line for everything that happens; errors through one central logger. Counts nothing: see metered.py."""

import traceback

from editqueue.adapters.journal import rendering
from editqueue.adapters.journal.output import Output
from editqueue.domain.errors import EditQueueError, code_of
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.journal import Course


class JsonLines:
    """`Journal` on structlog. A line that cannot be written is dropped: whoever writes it neither waits nor fails."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def close(self) -> None:
        self._output.close()

    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None:
        self._output.write(
            rendering.info(
                "transition",
                job_id=job.id,
                file_id=job.file_id,
                before=before.value if before else None,
                after=job.status.value,
                cause=cause,
                attempts=job.attempts,
            )
        )

    def attempt(self, job: EditJob, course: Course) -> None:
        self._output.write(
            rendering.info(
                "attempt",
                job_id=job.id,
                file_id=job.file_id,
                duration=round(course.seconds, 3),
                bytes_copied=course.bytes_copied,
                result=course.result,
            )
        )

    def error(self, job_id: str | None, error: BaseException) -> None:
        text = rendering.shown_value(error)
        facts: dict[str, object] = {}
        if not isinstance(error, EditQueueError):
            text = f"{type(error).__name__}: {text}" if text else ""
            facts["traceback"] = traceback_of(error)
        text = text or type(error).__name__
        self._output.write(rendering.error("error", job_id=job_id, code=code_of(error), error=text, **facts))

    def warning(self, event: str, **facts: object) -> None:
        self._output.write(rendering.rendered("warning", event, facts))

    def paused(self, ground: str, reason: str) -> None:
        self.warning("consumer_paused", ground=ground, reason=reason)

    def resumed(self, ground: str, *, seconds: float) -> None:
        self._output.write(rendering.info("consumer_resumed", ground=ground, seconds=round(seconds, 3)))

    def log(self, level: str, *, logger: str, message: object, error: BaseException | None = None) -> None:
        """What somebody else has to say: a library, or Python itself. `level` is one of Python's."""
        facts: dict[str, object] = {"logger": logger, "message": rendering.shown_value(message)}
        if error is not None:
            facts["traceback"] = traceback_of(error)
        self._output.write(rendering.rendered(level, "log", facts))


def traceback_of(error: BaseException) -> str:
    """With its causes; without them if one of them defies to be shown."""
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001  # it asks every error of the chain for its text and attributes
        return "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
