"""What a process says and asks, written into the books of the world."""

import inspect
from typing import Any

from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import EditQueueError
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_store import Claim
from tests.simulation.books import Books
from tests.simulation.life import Life
from tests.simulation.wire import ASKED, Asked, Scene


class WatchedStore:
    """A store whose calls are known to the books while they last."""

    def __init__(self, inner: SqlStore, life: Life, books: Books) -> None:
        self._inner = inner
        self._life = life
        self._books = books

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def watched(*args: Any, **kwargs: Any) -> Any:
            claim = args[0] if args and isinstance(args[0], Claim) else None
            token = ASKED.set(Asked(step=f"store.{name}", life=self._life, claim=claim))
            try:
                result = await found(*args, **kwargs)
            finally:
                ASKED.reset(token)
            if isinstance(result, Claim):
                self._books.delivered.add(result.job.token)
            return result

        return watched


class SimulatedJournal:
    """`Journal` of one process."""

    def __init__(self, scene: Scene, life: Life, books: Books) -> None:
        self._scene = scene
        self._who = life.name
        self._books = books

    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None:
        self._books.told(job, before=before, cause=cause, who=self._who)

    def attempt(self, job: EditJob, *, seconds: float, bytes_copied: int, result: str) -> None:
        self._scene.tell(self._who, f"  attempt at {self._scene.name_of('job', job.id)}", f"{result}, {seconds:.1f} s")

    def error(self, job_id: str | None, error: BaseException) -> None:
        about = "" if job_id is None else f" of {self._scene.name_of('job', job_id)}"
        self._scene.tell(self._who, f"  error{about}", f"{type(error).__name__}: {error}")
        if not isinstance(error, EditQueueError):
            self._books.report("an error that nobody raised on purpose", f"{error!r}, logged by {self._who}")

    def warning(self, event: str, **facts: object) -> None:
        self._scene.tell(self._who, f"  warning {event}")

    def paused(self, ground: str, reason: str) -> None:
        self._scene.tell(self._who, f"  pauses: {ground}", reason)

    def resumed(self, ground: str, *, seconds: float) -> None:
        self._scene.tell(self._who, f"  goes on: {ground}", f"after {seconds:.1f} s")
