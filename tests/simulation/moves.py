"""The moves of jobs, one after the other: who may make which, what it costs, and what is told of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from editqueue.adapters.job_store.rows import to_ms
from editqueue.domain.jobs import LEGAL_TRANSITIONS, EditJob, JobStatus
from editqueue.ports import Limits
from editqueue.ports.time import Clock
from editqueue.use_cases.consumer.take_over import COMES_BACK_WITHIN
from tests.simulation.holders import Locks
from tests.simulation.life import Life
from tests.simulation.wire import Asked, Scene

MOST_ATTEMPTS: Final = 4
ENDS: Final = {
    "store.finish": ("done", 0),
    "store.fail": ("failed", 0),
    "store.retry_later": ("queued", 0),
    "store.release": ("queued", -1),
}
"""What each end of a claim makes of its job, and of the attempts."""
MAKERS: Final = frozenset({"store.submit", "store.revise", "store.retry_job"})
CLOCKS_APART: Final = timedelta(seconds=3)
"""The clocks of two processes differ by less."""
Report = Callable[[str, str], None]
"""Gets the promise that was broken, and how."""


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


class Moves:
    """All so far."""

    def __init__(self, scene: Scene, locks: Locks, *, limits: Limits, clock: Clock, report: Report) -> None:
        self.lives: dict[str, Life] = {}
        """By name, which is that under which they claim."""
        self.hands: dict[str, Life] = {}
        """By the tokens of claims whose answers arrived: who works under each."""
        self.excused: set[str] = set()
        """The lives that were killed, or could not write an end down."""
        self._scene = scene
        self._locks = locks
        self._limits = limits
        self._clock = clock
        self._report = report
        self._claimed_at: dict[str, float] = {}
        """When each job was claimed last."""
        self._spent: Counter[str] = Counter()
        """Claims of each job that were not handed back."""
        self._tokens: set[str] = set()
        self._made: set[tuple[str, str | None, str | None, str]] = set()
        """Job, token before or after, status before and after."""
        self._told: Counter[tuple[str, str, str, str]] = Counter()
        self._untold: dict[tuple[str, str, str], str] = {}
        """Ends that consumers have written: job, claim and status, and the consumer."""

    def judge(self, move: Move, asked: Asked | None) -> None:
        """A move that was made when `asked` was; nothing was asked where the world began with it."""
        who, step = (asked.life.name, asked.step) if asked else ("the world", "the beginning")
        job = self._scene.name_of("job", move.id)
        self._scene.tell(who, f"  {job}: {move.before} -> {move.after}", f"attempts {move.attempts}, by {step}")
        said = f"{job}, by {step} of {who}"
        for token in (move.token_before, move.token):
            self._made.add((move.id, token, move.before, move.after))
        if move.before is None:
            if asked is not None and step not in MAKERS:
                self._report("promise 12: a job out of nowhere", said)
        elif (JobStatus(move.before), JobStatus(move.after)) not in LEGAL_TRANSITIONS:
            self._report(f"promise 12: {move.before} -> {move.after} is no transition", said)
        elif move.after == "in_progress":
            self._judge_claim(move, step, said)
        elif move.before == "queued":
            if step != "store.delete_files" or move.error != "file deleted":
                self._report("promise 12: a queued job failed without being deleted", said)
        else:
            self._judge_end(move, asked, said)
        self._judge_attempts(move, said)

    def _judge_claim(self, move: Move, step: str, said: str) -> None:
        self._spent[move.id] += 1
        self._claimed_at[move.id] = self._scene.loop.time()
        if step != "store.claim_next":
            self._report("promise 12: begun, but not by a claim", said)
        if move.token in self._tokens:
            self._report("promise 2: a claim token was used before", said)
        self._tokens.add(move.token)

    def _judge_end(self, move: Move, asked: Asked | None, said: str) -> None:
        if asked is not None and asked.claim is not None and asked.step in ENDS:
            self._judge_own_end(move, asked, asked.claim.job, said)
        else:
            self._judge_taking(move, "" if asked is None else asked.step, said)

    def _judge_own_end(self, move: Move, asked: Asked, claimed: EditJob, said: str) -> None:
        after, attempts = ENDS[asked.step]
        self._spent[move.id] += attempts
        if (claimed.id, claimed.token) != (move.id, move.token_before):
            self._report("promise 2: a worker ended what was no longer its own", said)
        if move.after != after:
            self._report("promise 12: an end that makes something else of its job", f"{said}: {move.after}")
        if move.after != "queued":  # what is queued again may be somebody else's before the answer is missed
            self._untold[move.id, claimed.token, move.after] = asked.life.name
        if asked.step != "store.release":
            self._judge_cost(move, asked.step, said)

    def _judge_cost(self, move: Move, step: str, said: str) -> None:
        """Whether an attempt was spent that the file has no part in."""
        now, claimed_at = self._scene.loop.time(), self._claimed_at[move.id]
        in_time = now - claimed_at < self._limits.job_timeout.total_seconds()
        if in_time and (move.error or "").startswith("job_timed_out: not finished"):
            self._report("promise 9: an attempt spent for a time limit that was not reached", said)
        outage = self._scene.faults.outage_of(("bucket", "images"), since=claimed_at, now=now)
        if outage and (step == "store.retry_later" or (step == "store.fail" and move.attempts == MOST_ATTEMPTS)):
            self._report("promise 21: an attempt spent in an outage", f"{said}, {outage}")

    def _judge_taking(self, move: Move, step: str, said: str) -> None:
        """By somebody who has not claimed it."""
        if step == "store.take_over":
            holder = self.lives.get(move.holder or "")
            lost_for = self._locks.lost_for(move.holder or "", self._scene.loop.time())
            if holder is None or not (holder.is_killed or lost_for >= COMES_BACK_WITHIN):
                self._report("promise 24: taken over from a consumer that lives", said)
        elif step == "store.rescue":
            age = timedelta(milliseconds=to_ms(self._clock.now()) - (move.started_at or 0))
            if age < self._limits.stale_after - CLOCKS_APART:
                self._report("promise 24: rescued before its time", f"{said}: after {age}")
        elif step == "store.claim_next":  # which gives back what earlier claims took whose answers never came
            self._spent[move.id] -= 1
            if move.token_before in self.hands:
                self._report("promise 2: taken from a worker that has it", said)
        else:
            self._report("promise 12: ended by somebody who has no claim", said)

    def _judge_attempts(self, move: Move, said: str) -> None:
        spent = self._spent[move.id]
        if move.attempts != spent or spent > MOST_ATTEMPTS:
            self._report("promise 8: attempts miscounted, or too many", f"{said}: {move.attempts}, not {spent}")
            self._spent[move.id] = move.attempts

    def tell(self, job: EditJob, *, before: JobStatus | None, cause: str, who: str) -> None:
        """What a journal is told."""
        said = f"{self._scene.name_of('job', job.id)} {before} -> {job.status.value}, {cause}, by {who}"
        if (job.id, job.token, None if before is None else before.value, job.status.value) not in self._made:
            self._report("promise 12: told, but it never happened", said)
        self._untold.pop((job.id, job.token, job.status.value), None)
        key = (job.id, job.token, job.status.value, cause)
        self._told[key] += 1
        if self._told[key] > 1:
            self._report("promise 12: told more than once", said)

    def judge_the_end(self) -> None:
        """When everything is at rest."""
        for (job_id, _, status), who in self._untold.items():
            if who not in self.excused:
                said = f"{self._scene.name_of('job', job_id)} {status}, by {who}"
                self._report("promise 12: an end that was written and never told", said)
