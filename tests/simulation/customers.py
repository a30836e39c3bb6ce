"""Customers, who do everything at once, and an operator, who mends; and whether what they are answered is true."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from editqueue.domain.errors import EditQueueError
from editqueue.domain.files import File
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports import Ports
from editqueue.ports.job_store import FileQuery, JobQuery
from editqueue.use_cases.customer.approve_file import approve_file
from editqueue.use_cases.customer.delete_files import delete_files
from editqueue.use_cases.customer.finalize_upload import finalize_upload
from editqueue.use_cases.customer.list_files import list_files
from editqueue.use_cases.customer.mark_files import mark_files
from editqueue.use_cases.customer.order_status import order_status
from editqueue.use_cases.customer.rename_files import rename_files
from editqueue.use_cases.customer.request_revision import request_revision
from editqueue.use_cases.customer.sign_preview import sign_preview
from editqueue.use_cases.customer.start_upload import start_upload
from editqueue.use_cases.customer.submit_edits import submit_edits
from editqueue.use_cases.operator.retry_job import retry_job
from tests.simulation.books import Books
from tests.simulation.bucket import Shelf
from tests.simulation.chance import Dice
from tests.simulation.disk import Disk
from tests.simulation.pictures import MISSING, nature_of, original
from tests.simulation.programs import Program
from tests.simulation.wire import Scene

PATIENCE: Final = 60.0
"""Seconds that a customer waits for an answer."""
Request = Callable[[Ports], Coroutine[Any, Any, Any]]
Tastes = Mapping[str, float]
USUAL: Final[Tastes] = {
    "submit": 35,
    "upload": 10,
    "mark": 10,
    "delete": 8,
    "rename": 8,
    "revise": 13,
    "approve": 6,
    "look": 10,
}
"""How often customers do what, of a hundred acts."""
NEVER_CONTENT: Final[Tastes] = {"submit": 30, "rename": 5, "delete": 5, "mark": 5, "revise": 55}


@dataclass(kw_only=True, eq=False)
class Customer:
    user_id: str
    order_id: str
    files: list[str]
    acts: int
    tastes: Tastes
    apis: Sequence[Program]
    scene: Scene
    books: Books
    disk: Disk
    shelf: Shelf
    deadly: bool
    """Whether originals may kill the consumer that edits them."""
    done: list[str] = field(default_factory=list[str])
    """The names of what was done."""

    async def live(self) -> None:
        """One act after the other; for the answers of some nobody waits."""
        pace = self.scene.faults.calm_at / (self.acts + 1)
        for number in range(self.acts):
            dice = self.scene.chance.at(self.user_id, number)
            await asyncio.sleep(0 if dice[0] < 0.2 else pace * dice[1] * 2)
            name = f"{self.user_id} {number}"
            if not self.scene.faults.is_wanted(name) or self.scene.loop.time() > self.scene.faults.calm_at:
                continue
            self.done.append(name)
            act = asyncio.create_task(self._act(dice))
            if dice[2] < 0.6:
                await act

    async def _act(self, dice: Dice) -> None:
        one = self.files[int(dice[4] * len(self.files))]
        some = [file for number, file in enumerate(self.files) if dice[8 + number % 8] < 0.5] or [one]
        match chosen(self.tastes, dice[3]):
            case "submit":
                await self._submit(some, express=dice[5] < 0.3)
            case "upload":
                await self._upload(dice)
            case "mark":
                await self._ask("mark", mark_files, some, marked=dice[5] < 0.7)
            case "delete":
                await self._delete([one])
            case "rename":
                await self._ask("rename", rename_files, some)
            case "revise":
                await self._revise(one)
            case "approve":
                await self._ask("approve", approve_file, one)
            case _:
                await self._look(one)

    async def _submit(self, files: Sequence[str], *, express: bool) -> None:
        jobs: Sequence[EditJob] | None = await self._ask(
            f"submit {len(files)}", submit_edits, files, order_id=self.order_id, express=express, notes=None
        )
        if jobs is not None:
            self._confirm_jobs([(job.id, job.file_id) for job in jobs], list(files))

    async def _revise(self, file: str) -> None:
        job: EditJob | None = await self._ask("revise", request_revision, file, note="heller")
        if job is not None:
            self._confirm_jobs([(job.id, job.file_id)], [file])

    def _confirm_jobs(self, answered: list[tuple[str, str]], files: list[str]) -> None:
        there = {(row["id"], row["file_id"]) for row in self.disk.rows("SELECT id, file_id FROM edit_jobs")}
        if not there.issuperset(answered) or [file_id for _, file_id in answered] != files:
            self.books.report("promise 5: answered with jobs that are not there", f"{self.user_id}: {answered}")

    async def _delete(self, files: Sequence[str]) -> None:
        if await self._ask("delete", delete_files, files) is None:
            return
        left = self.disk.rows("SELECT id FROM files WHERE deleted_at IS NULL")
        if {row["id"] for row in left}.intersection(files):
            self.books.report("promise 7: answered as deleted, but it is there", self.user_id)

    async def _upload(self, dice: Dice) -> None:
        started = await self._ask(
            "begin an upload",
            start_upload,
            order_id=self.order_id,
            filename="bild.jpg",
            mime="image/jpeg",
            room_type=None,
            stack_id=None,
        )
        if started is None:
            return
        nature = nature_of(dice, 6, deadly=self.deadly)
        body = original(nature, started.object_key)
        self.shelf.put_new(started.object_key, body, content_type="image/jpeg")
        file: File | None = await self._ask(
            "finish an upload",
            finalize_upload,
            object_key=started.object_key,
            size=len(body),
            checksum=None,
            exif_meta=None,
        )
        if file is None:
            return
        if nature == MISSING:
            self.shelf.delete([file.object_key])
        self.files.append(file.id)
        await self._ask("mark it", mark_files, [file.id], marked=True)
        await self._submit([file.id], express=False)

    async def _look(self, file: str) -> None:
        await self._ask("list", _list_files, order_id=self.order_id)
        await self._ask("count", _order_status, order_id=self.order_id)
        await self._ask("preview", sign_preview, file)

    async def _ask(self, what: str, use_case: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **given: Any) -> Any:
        """The answer; None if it is an error, or did not come."""

        def request(ports: Ports) -> Coroutine[Any, Any, Any]:
            return use_case(*args, **given, user_id=self.user_id, ports=ports)

        return await ask(request, what, self.apis[0], self.user_id, self.scene, self.books)


def chosen(tastes: Tastes, draw: float) -> str:
    """One act; `draw` is in [0, 1)."""
    left = draw * sum(tastes.values())
    for act, share in tastes.items():
        left -= share
        if left < 0:
            return act
    return next(iter(tastes))


async def _list_files(*, order_id: str, user_id: str, ports: Ports) -> object:
    return await list_files(FileQuery(order_id=order_id), cursor=None, user_id=user_id, store=ports.store)


async def _order_status(*, order_id: str, user_id: str, ports: Ports) -> object:
    return await order_status(order_id, user_id=user_id, store=ports.store)


async def ask(request: Request, what: str, api: Program, who: str, scene: Scene, books: Books) -> Any:
    """What the API answers to `who`; None for an error, or when it does not answer."""
    try:
        answer = await asyncio.wait_for(api.answer(request), PATIENCE)
    except TimeoutError:
        scene.tell(who, what, "no answer")
    except EditQueueError as error:
        scene.tell(who, what, f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001  # the API would answer 500
        books.report("an error that nobody raised on purpose", f"{error!r}, answered to {who}")
    else:
        scene.tell(who, what, "ok")
        return True if answer is None else answer
    return None


@dataclass(kw_only=True, eq=False)
class Operator:
    """Puts failed jobs back, and resets locks."""

    acts: int
    apis: Sequence[Program]
    scene: Scene
    books: Books
    done: list[str] = field(default_factory=list[str])

    async def live(self) -> None:
        for number in range(self.acts):
            dice = self.scene.chance.at("operator", number)
            await asyncio.sleep(self.scene.faults.calm_at * dice[0] * 2 / (self.acts + 1))
            name = f"operator {number}"
            if not self.scene.faults.is_wanted(name) or self.scene.loop.time() > self.scene.faults.calm_at:
                continue
            self.done.append(name)
            act, what = (_retry_a_failed_job, "retry") if dice[1] < 0.7 else (_reset_locks, "reset locks")
            await ask(act, what, self.apis[0], "operator", self.scene, self.books)


async def _retry_a_failed_job(ports: Ports) -> None:
    failed = await ports.store.jobs(JobQuery(status=JobStatus.FAILED, limit=5))
    for job in failed[:1]:
        await retry_job(job.id, store=ports.store, queue=ports.queue, journal=ports.journal, clock=ports.clock)


async def _reset_locks(ports: Ports) -> None:
    await ports.store.reset_stale_locks(now=ports.clock.now())
