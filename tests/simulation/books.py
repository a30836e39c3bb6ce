"""The promises, held against the world after every step."""

from dataclasses import dataclass

from editqueue.ports import Limits
from editqueue.ports.time import Clock
from tests.simulation import state
from tests.simulation.bucket import Shelf
from tests.simulation.disk import Disk
from tests.simulation.holders import Locks
from tests.simulation.life import Life
from tests.simulation.moves import Move, Moves
from tests.simulation.wire import ASKED, Scene

CHANGES_OBJECTS = frozenset({"bucket.delete", "bucket.write", "bucket.copy"})


@dataclass(frozen=True, slots=True)
class Change:
    """A file that was changed: its lock, and what its customer may change, before and after."""

    id: str
    locked_before: int
    locked: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Violation:
    promise: str
    detail: str

    def __str__(self) -> str:
        return f"{self.promise} ({self.detail})"


class Books:
    """Of one world."""

    def __init__(self, scene: Scene, disk: Disk, shelf: Shelf, *, locks: Locks, limits: Limits, clock: Clock) -> None:
        self.found: list[Violation] = []
        self.moves = Moves(scene, locks, limits=limits, clock=clock, report=self.report)
        self._scene = scene
        self._disk = disk
        self._shelf = shelf
        self._seen = -1

    def report(self, promise: str, detail: str) -> None:
        self.found.append(Violation(promise, detail))

    def look(self, step: str) -> None:
        """After `step` had its effect."""
        changed = self._disk.connection.total_changes != self._seen
        if changed:
            self._judge_changes(step)
            self._seen = self._disk.connection.total_changes
        if changed or step in CHANGES_OBJECTS:
            for file_id, key in state.wrong_objects(self._disk, self._shelf):
                if key not in self._shelf.deleted_late:
                    said = f"{self._scene.name_of('file', file_id)}, {key}, after {step}"
                    self.report("promise 1: published, but its objects are not there or not right", said)

    def _judge_changes(self, step: str) -> None:
        asked = ASKED.get(None)
        for move in self._disk.take_trail("job_trail", Move):
            self.moves.judge(move, asked)
        for change in self._disk.take_trail("file_trail", Change):
            if change.locked_before and change.before != change.after:
                said = f"{self._scene.name_of('file', change.id)}, by {step}: {change.before} {change.after}"
                self.report("promise 7: changed while it was locked", said)
        for promise, row_id in state.broken_rows(self._disk):
            self.report(promise, f"{self._scene.name_of('row', row_id)} after {step}")

    def jobs_left_by(self, life: Life) -> list[str]:
        """The jobs in progress that `life` knows to have."""
        rows = self._disk.rows("SELECT id, token FROM edit_jobs WHERE status = 'in_progress'")
        return [self._scene.name_of("job", row["id"]) for row in rows if self.moves.hands.get(row["token"]) is life]

    def objects_owed(self) -> list[str]:
        """The keys of published objects that a process which came back late has deleted and, alive, not put again."""
        late = self._shelf.deleted_late
        wrong = [key for _, key in state.wrong_objects(self._disk, self._shelf)]
        return [key for key in wrong if key in late and not late[key].is_killed]

    def judge_the_end(self) -> None:
        """When everything is at rest."""
        self.moves.judge_the_end()
        for job_id in state.given_up_early(self._disk):
            self.report("promise 8: given up before its attempts were spent", self._scene.name_of("job", job_id))
        for key in state.astray(self._disk, self._shelf):
            self.report("promise 12: an object that no file has", key)
        for failure in self._scene.loop.failures:
            self.report("asyncio complains", failure)
