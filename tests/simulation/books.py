"""The promises, held against the world after every step."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from editqueue.adapters.job_store.rows import to_ms
from editqueue.domain.jobs import LEGAL_TRANSITIONS, EditJob, JobStatus
from editqueue.domain.keys import ObjectKeys
from editqueue.ports import Limits
from editqueue.ports.time import Clock
from tests.simulation.bucket import Shelf
from tests.simulation.disk import Disk
from editqueue.use_cases.consumer.take_over import COMES_BACK_WITHIN
from tests.simulation.holders import Locks
from tests.simulation.life import Life
from tests.simulation.pictures import expected_preview
from tests.simulation.wire import ASKED, Asked, Scene

MOST_ATTEMPTS: Final = 4
ENDS: Final = {
    "store.finish": ("done", 0),
    "store.fail": ("failed", 0),
    "store.retry_later": ("queued", 0),
    "store.release": ("queued", -1),
}
"""What each end of a claim makes of its job, and of the attempts."""
MAKERS: Final = frozenset({"store.submit", "store.revise", "store.retry_job"})

_STATE: Final = """
SELECT 'promise 4: more than one active job' AS broken, file_id AS id FROM edit_jobs
WHERE status IN ('queued', 'in_progress') GROUP BY file_id HAVING count(*) > 1
UNION ALL
SELECT 'promise 7: locked, but no job in progress, or the reverse', id FROM files
WHERE locked <> (SELECT count(*) FROM edit_jobs WHERE file_id = files.id AND status = 'in_progress')
UNION ALL
SELECT 'promise 7: the lock and the status of a file differ', id FROM files WHERE locked <> (status = 'in_progress')
UNION ALL
SELECT 'promise 7: a deleted file is worked on', files.id FROM files JOIN edit_jobs ON edit_jobs.file_id = files.id
WHERE deleted_at IS NOT NULL AND edit_jobs.status IN ('queued', 'in_progress')
UNION ALL
SELECT 'promise 12: a job is queued, its file is not', files.id FROM edit_jobs JOIN files ON files.id = file_id
WHERE edit_jobs.status = 'queued' AND files.status <> 'queued'
UNION ALL
SELECT 'promise 1: not one notification for one end', edit_jobs.id
FROM edit_jobs LEFT JOIN notifications ON job_id = edit_jobs.id
GROUP BY edit_jobs.id
HAVING count(job_id) <> (edit_jobs.finished_at IS NOT NULL AND error IS NOT 'file deleted')
UNION ALL
SELECT 'promise 1: a notification of the wrong kind', edit_jobs.id
FROM edit_jobs JOIN notifications ON job_id = edit_jobs.id
WHERE (type = 'edit_done') <> (edit_jobs.status = 'done')
UNION ALL
SELECT 'promise 12: the counts are not the rows', 'counts' FROM counts WHERE
    jobs_done <> (SELECT count(*) FROM edit_jobs WHERE status = 'done')
    OR jobs_failed <> (SELECT count(*) FROM edit_jobs WHERE status = 'failed')
    OR files_there <> (SELECT count(*) FROM files WHERE deleted_at IS NULL)
    OR files_done <> (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'done')
    OR files_failed <> (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'failed')
"""
_PUBLISHED: Final = """
SELECT id, object_key FROM files WHERE preview_url IS NOT NULL AND expiring_at IS NULL AND deleted_at IS NULL
"""

_GAVE_UP: Final = """
SELECT id FROM edit_jobs WHERE status = 'failed' AND attempts < 4
    AND error NOT LIKE 'broken_picture%' AND error NOT LIKE 'raw_missing%' AND error <> 'file deleted'
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A job that was made (`before` is None) or changed."""

    id: str
    before: str | None
    after: str
    token_before: str | None
    token: str
    attempts_before: int
    attempts: int
    holder: str | None
    started_at: int | None
    error: str | None


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
    """What has happened so far, and whether it may."""

    def __init__(
        self, scene: Scene, disk: Disk, shelf: Shelf, *, locks: Locks, limits: Limits, clock: Clock, apart: timedelta
    ) -> None:
        self.found: list[Violation] = []
        self.consumers: dict[str, Life] = {}
        """By the names under which they claim."""
        self.delivered: dict[str, Life] = {}
        """By the tokens of claims whose answers arrived: who works under each."""
        self.excused: set[str] = set()
        """The lives that could not write an end down, or were killed."""
        self._scene = scene
        self._disk = disk
        self._locks = locks
        self._shelf = shelf
        self._limits = limits
        self._clock = clock
        self._apart = apart
        """By how much clocks may differ."""
        self._claimed_at: dict[str, float] = {}
        """When each job was claimed last."""
        self._untold: dict[tuple[str, str, str], str] = {}
        """Ends that consumers have written, by job, claim and status, and the consumer."""
        self._spent: Counter[str] = Counter()
        """Claims of each job that were not handed back."""
        self._tokens: set[str] = set()
        self._moves: set[tuple[str, str | None, str | None, str]] = set()
        self._told: Counter[tuple[str, str, str, str]] = Counter()
        self._seen = -1

    def report(self, promise: str, detail: str) -> None:
        self.found.append(Violation(promise, detail))

    def look(self, step: str) -> None:
        """After `step` had its effect."""
        changed = self._disk.connection.total_changes != self._seen
        if changed:
            asked = ASKED.get(None)
            for move in self._disk.take_trail("job_trail", Move):
                self._judge(move, asked)
            for change in self._disk.take_trail("file_trail", Change):
                self._judge_change(change, step)
            for row in self._disk.rows(_STATE):
                self.report(row["broken"], f"{self._scene.name_of('row', row['id'])} after {step}")
            self._seen = self._disk.connection.total_changes
        if changed or step in {"bucket.delete", "bucket.write", "bucket.copy"}:
            self._judge_objects(step)

    # What became of jobs ----
    def _judge(self, move: Move, asked: Asked | None) -> None:
        job = self._scene.name_of("job", move.id)
        who, step = (asked.life.name, asked.step) if asked else ("the world", "the beginning")
        self._scene.tell(who, f"  {job}: {move.before} -> {move.after}", f"attempts {move.attempts}, by {step}")
        self._moves.add((move.id, move.token, move.before, move.after))
        self._moves.add((move.id, move.token_before, move.before, move.after))
        said = f"{job}, by {step} of {who}"
        if move.before is None:
            if asked is not None and step not in MAKERS:
                self.report("promise 12: a job out of nowhere", said)
        elif (JobStatus(move.before), JobStatus(move.after)) not in LEGAL_TRANSITIONS:
            self.report(f"promise 12: {move.before} -> {move.after} is no transition", said)
        elif move.before == "queued":
            self._judge_claim(move, step, said)
        else:
            self._judge_end(move, asked, said)
        if move.attempts != self._spent[move.id] or move.attempts > MOST_ATTEMPTS:
            self.report(
                "promise 8: attempts miscounted, or too many", f"{said}: {move.attempts}, not {self._spent[move.id]}"
            )
            self._spent[move.id] = move.attempts

    def _judge_claim(self, move: Move, step: str, said: str) -> None:
        if move.after == "failed":
            if step != "store.delete_files" or move.error != "file deleted":
                self.report("promise 12: a queued job failed without being deleted", said)
            return
        self._spent[move.id] += 1
        self._claimed_at[move.id] = self._scene.loop.time()
        if step != "store.claim_next":
            self.report("promise 12: begun, but not by a claim", said)
        if move.token in self._tokens:
            self.report("promise 2: a claim token was used before", said)
        self._tokens.add(move.token)

    def _judge_end(self, move: Move, asked: Asked | None, said: str) -> None:
        step = asked.step if asked else ""
        if asked and asked.claim and step in ENDS:
            after, attempts = ENDS[step]
            self._spent[move.id] += attempts
            if (asked.claim.job.id, asked.claim.job.token) != (move.id, move.token_before):
                self.report("promise 2: a worker ended what was no longer its own", said)
            if move.after != "queued":  # what is queued again may be somebody else's before the answer is missed
                self._untold[move.id, str(move.token_before), move.after] = asked.life.name
            self._judge_cost(move, step, said)
            if move.after != after:
                self.report("promise 12: an end that makes something else of its job", f"{said}: {move.after}")
        elif step == "store.take_over":
            holder = self.consumers.get(move.holder or "")
            lost_for = self._locks.lost_for(move.holder or "", self._scene.loop.time())
            if holder is None or not (holder.is_killed or lost_for >= COMES_BACK_WITHIN):
                self.report("promise 24: taken over from a consumer that lives", said)
        elif step == "store.rescue":
            age = timedelta(milliseconds=to_ms(self._clock.now()) - (move.started_at or 0))
            if age < self._limits.stale_after - self._apart:
                self.report("promise 24: rescued before its time", f"{said}: after {age}")
        elif step == "store.claim_next":
            self._spent[move.id] -= 1
            if move.token_before in self.delivered:
                self.report("promise 2: taken from a worker that has it", said)
        else:
            self.report("promise 12: ended by somebody who has no claim", said)

    def _judge_cost(self, move: Move, step: str, said: str) -> None:
        """Whether an attempt was spent that the file has no part in."""
        now, claimed_at = self._scene.loop.time(), self._claimed_at[move.id]
        in_time = now - claimed_at < self._limits.job_timeout.total_seconds()
        if in_time and step != "store.release" and (move.error or "").startswith("job_timed_out: not finished"):
            self.report("promise 9: an attempt spent for a time limit that was not reached", said)
        outage = self._scene.faults.outage_of(("bucket", "images"), since=claimed_at, now=now)
        if outage and (step == "store.retry_later" or (step == "store.fail" and move.attempts == MOST_ATTEMPTS)):
            self.report("promise 21: an attempt spent in an outage", f"{said}, {outage}")

    def jobs_in_hands_of(self, life: Life) -> Sequence[str]:
        """Those that it knows to have, and that are in progress."""
        rows = self._disk.rows("SELECT id, token FROM edit_jobs WHERE status = 'in_progress'")
        return [self._scene.name_of("job", row["id"]) for row in rows if self.delivered.get(row["token"]) is life]

    def _judge_change(self, change: Change, step: str) -> None:
        if change.locked_before and change.before != change.after:
            name = self._scene.name_of("file", change.id)
            self.report("promise 7: changed while it was locked", f"{name}, by {step}: {change.before} {change.after}")

    # What lies in the bucket ----
    def _judge_objects(self, step: str) -> None:
        for row in self._disk.rows(_PUBLISHED):
            for wrong in self.wrong_objects(row["object_key"]):
                name = self._scene.name_of("file", row["id"])
                self.report(
                    "promise 1: published, but its objects are not there or not right", f"{name}, {wrong}, after {step}"
                )

    def wrong_objects(self, object_key: str) -> Sequence[str]:
        """The keys of a finished file behind which is not what should be."""
        keys, objects = ObjectKeys.from_raw(object_key), self._shelf.objects
        raw = objects.get(keys.raw)
        if raw is None:  # it vanished after it was edited
            return [key for key in (keys.processed, keys.preview) if key not in objects]
        expected = {keys.processed: raw.body, keys.preview: expected_preview(raw.body)}
        return [key for key, body in expected.items() if key not in objects or objects[key].body != body]

    def judge_the_end(self) -> None:
        """When everything is at rest."""
        for (job_id, _, status), who in self._untold.items():
            if who not in self.excused:
                self.report(
                    "promise 12: an end that was written and never told",
                    f"{self._scene.name_of('job', job_id)} {status}, by {who}",
                )
        for row in self._disk.rows(_GAVE_UP):
            self.report("promise 8: given up before its attempts were spent", self._scene.name_of("job", row["id"]))
        known = {key for row in self._disk.rows("SELECT object_key FROM files") for key in _made_of(row["object_key"])}
        made = [key for key in self._shelf.objects if "/processed/" in key or "/preview/" in key]
        for key in made:
            if key not in known:
                self.report("promise 12: an object that no file has", key)

    # What was said of it ----
    def told(self, job: EditJob, *, before: JobStatus | None, cause: str, who: str) -> None:
        said = f"{self._scene.name_of('job', job.id)} {before} -> {job.status.value}, {cause}, by {who}"
        if (job.id, job.token, None if before is None else before.value, job.status.value) not in self._moves:
            self.report("promise 12: told, but it never happened", said)
        self._untold.pop((job.id, job.token, job.status.value), None)
        key = (job.id, job.token, job.status.value, cause)
        self._told[key] += 1
        if self._told[key] > 1:
            self.report("promise 12: told more than once", said)


def _made_of(object_key: str) -> tuple[str, str]:
    keys = ObjectKeys.from_raw(object_key)
    return keys.processed, keys.preview
