"""How long the stages of one attempt take, gathered while it goes on."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager

from editqueue.domain.errors import GroundLost, code_of
from editqueue.domain.jobs import EditJob
from editqueue.ports.image_tools import Preview
from editqueue.ports.journal import Course, PreviewMade, Stage, StageTime
from editqueue.ports.time import Clock
from editqueue.use_cases.consumer.verdict import Done, End, Failed, HandedBack, Retry, Verdict, described


class Stopwatch:
    """Of one attempt; it runs from here on."""

    def __init__(self, clock: Clock) -> None:
        self.began = clock.now()
        self._zero = time.monotonic()
        self._stages: list[StageTime] = []
        self._preview: PreviewMade | None = None

    @contextmanager
    def timing(self, stage: Stage) -> Generator[None]:
        began, error = self._passed(), None
        try:
            yield
        except asyncio.CancelledError:  # whoever cut it off knows why
            raise
        except BaseException as caught:
            error = code_of(caught)
            raise
        finally:
            seconds = self._passed() - began
            self._stages.append(StageTime(stage=stage, began=began, seconds=seconds, error=error))

    def made(self, preview: Preview) -> None:
        self._preview = PreviewMade(
            source_format=preview.source_format, path=preview.path, body_bytes=len(preview.body)
        )

    def made_placeholder(self, size: int) -> None:
        self._preview = PreviewMade(source_format=None, path="placeholder", body_bytes=size)

    def course(self, job: EditJob, verdict: Verdict, end: End) -> Course:
        since = max(job.created_at, job.run_after)  # a new job may run a moment before it was made
        return Course(
            began=self.began,
            waited=max(0.0, ((job.started_at or self.began) - since).total_seconds()),
            seconds=self._passed(),
            result=end.result,
            error=_error_of(verdict),
            bytes_copied=verdict.bytes_copied if isinstance(verdict, Done) else 0,
            preview=self._preview,
            stages=tuple(self._stages),
        )

    def _passed(self) -> float:
        return time.monotonic() - self._zero


def _error_of(verdict: Verdict) -> str | None:
    match verdict:
        case Failed(error=error) | Retry(error=error):
            return error
        case HandedBack(lost=GroundLost() as lost):
            return described(lost)
        case _:
            return None
