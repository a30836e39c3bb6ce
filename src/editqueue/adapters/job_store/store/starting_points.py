"""Where in the queue a claim begins to look: past what was claimed before.

While a transaction is held open anywhere in the database, PostgreSQL keeps the index entries of all jobs claimed since,
and they lie where the next claim would begin: it would step over every one of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from editqueue.adapters.job_store.rows import to_ms
from editqueue.domain.jobs import EditJob

LOOK_EVERY: Final = timedelta(seconds=1)
"""At most so long a job is passed over that another process has put before where we begin. Longer would save nothing:
a look over a hundred thousand dead entries takes 0.03 s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """The first turns that a claim looks at, in milliseconds."""

    express: int
    others: int
    is_full: bool
    """Whether it passes nothing over."""


FULL: Final = Start(express=0, others=0, is_full=True)


class StartingPoints:
    """Of one store. What this store puts into the queue itself is never passed over."""

    def __init__(self) -> None:
        self._turns = {True: 0, False: 0}
        """By lane (express or not)."""
        self._queued: dict[bool, int] = {}
        """The first turn, by lane, of what came since the last claim was begun, which may not have seen it."""
        self._looked_at: datetime | None = None
        self._was_short = False

    def next(self, now: datetime) -> Start:
        """Full once every LOOK_EVERY, and while there are fewer jobs than workers that ask."""
        self._queued = {}
        if self._was_short or self._looked_at is None or abs(now - self._looked_at) >= LOOK_EVERY:
            return self.full(now)
        return Start(express=self._turns[True], others=self._turns[False], is_full=False)

    def full(self, now: datetime) -> Start:
        self._looked_at = now
        return FULL

    def claimed(self, jobs: Sequence[EditJob], *, asked: int) -> None:
        """What a claim took, in the order of the queue, of so many that were asked for."""
        self._was_short = len(jobs) < asked
        for job in jobs:
            self._turns[job.express] = to_ms(job.fair_order)
        self._go_back()

    def queued(self, jobs: Iterable[EditJob]) -> None:
        """Jobs that are new or back in the queue."""
        for job in jobs:
            turn = to_ms(job.fair_order)
            self._queued[job.express] = min(self._queued.get(job.express, turn), turn)
        self._go_back()

    def _go_back(self) -> None:
        for lane, turn in self._queued.items():
            self._turns[lane] = min(self._turns[lane], turn)
