"""What a process says and asks, written into the books of the world."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import EditQueueError
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.job_queue import JobQueue, Message, Redelivery
from editqueue.ports.job_store import Claim
from editqueue.ports.journal import Course
from tests.simulation.books import Books
from tests.simulation.disk import Disk
from tests.simulation.life import Life
from tests.simulation.wire import ASKED, Asked, Scene


class WatchedStore:
    """A store whose calls, coroutines all of them, are known to the books while they last."""

    def __init__(self, inner: SqlStore, life: Life, books: Books) -> None:
        self._inner = inner
        self._life = life
        self._books = books
        self.claims = 0
        """How often it was asked for a job."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)

        async def watched(*args: Any, **kwargs: Any) -> Any:
            claim = args[0] if args and isinstance(args[0], Claim) else None
            self.claims += name == "claim_next"
            token = ASKED.set(Asked(step=f"store.{name}", life=self._life, claim=claim))
            try:
                result = await found(*args, **kwargs)
            finally:
                ASKED.reset(token)
            if isinstance(result, Claim):
                self._books.moves.hands[result.job.token] = self._life
            return result

        setattr(self, name, watched)  # asked for once
        return watched


class WatchedQueue:
    """A queue of which the books know when its messages are spent."""

    def __init__(self, inner: JobQueue, books: Books, store: WatchedStore, disk: Disk) -> None:
        self._inner = inner
        self._books = books
        self._store = store
        self._disk = disk
        self._received: dict[str, int] = {}

    @property
    def idle_poll(self) -> timedelta:
        return self._inner.idle_poll

    async def send(self, job_ids: Sequence[str]) -> None:
        there = {row["id"] for row in self._disk.rows("SELECT id FROM edit_jobs")}
        if not there.issuperset(job_ids):
            self._books.report("promise 5: a message for a job that is not there", ", ".join(job_ids))
        await self._inner.send(job_ids)

    async def receive(self, *, limit: int, wait: timedelta) -> Sequence[Message]:
        messages = await self._inner.receive(limit=limit, wait=wait)
        self._received |= {message.receipt: self._store.claims for message in messages}
        return messages

    async def settle(self, *, done: Sequence[Message] = (), again: Sequence[Redelivery] = ()) -> None:
        for message in done:
            if self._received.get(message.receipt) == self._store.claims:
                self._books.report("promise 6: a message is spent before anybody looked for a job", message.receipt)
        await self._inner.settle(done=done, again=again)

    async def close(self) -> None:
        await self._inner.close()


class SimulatedJournal:
    """`Journal` of one process."""

    def __init__(self, scene: Scene, life: Life, books: Books) -> None:
        self._scene = scene
        self._who = life.name
        self._books = books

    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None:
        self._books.moves.tell(job, before=before, cause=cause, who=self._who)

    def attempt(self, job: EditJob, course: Course) -> None:
        self._scene.tell(
            self._who, f"  attempt at {self._scene.name_of('job', job.id)}", f"{course.result}, {course.seconds:.1f} s"
        )

    def error(self, job_id: str | None, error: BaseException) -> None:
        about = "" if job_id is None else f" of {self._scene.name_of('job', job_id)}"
        self._scene.tell(self._who, f"  error{about}", f"{type(error).__name__}: {error}")
        if not isinstance(error, EditQueueError):
            self._books.report("an error that nobody raised on purpose", f"{error!r}, logged by {self._who}")

    def warning(self, event: str, **facts: object) -> None:
        self._scene.tell(self._who, f"  warning {event}")
        if event == "left_to_the_sweep":
            self._books.moves.excused.add(self._who)

    def paused(self, ground: str, reason: str) -> None:
        self._scene.tell(self._who, f"  pauses: {ground}", reason)

    def resumed(self, ground: str, *, seconds: float) -> None:
        self._scene.tell(self._who, f"  goes on: {ground}", f"after {seconds:.1f} s")
