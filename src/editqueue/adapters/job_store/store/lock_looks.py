"""When a store looks at all files for stale locks: those in progress without a job.

A file whose original is missing is queued without a job until its customer sends it off again. As long as there is one,
the counts do not tell that every lock has its job, and no index does.
"""

from datetime import datetime, timedelta
from typing import Final

from editqueue.ports.job_store import QueueStats

LOOK_EVERY: Final = timedelta(minutes=5)
"""A look at 100,000 files takes 45 ms."""


class LockLooks:
    """Of one store."""

    def __init__(self) -> None:
        self._last: tuple[datetime, int] | None = None
        """When it looked, and how many it found."""

    def known(self, now: datetime) -> int | None:
        """How many there are; None when it is time to look again, which takes no time while every file has its job."""
        if self._last is None:
            return None
        at, found = self._last
        return found if abs(now - at) < LOOK_EVERY else None

    def learn(self, stats: QueueStats, now: datetime) -> None:
        """What came of a look at `now`; it was none if they were known, or if every file has its job."""
        if self.known(now) is None and stats.files_without_jobs:
            self._last = now, stats.stale_locks

    def forget(self) -> None:
        """Look again the next time."""
        self._last = None
