"""The clock of a process that shares its database with others: the time is the database's."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from editqueue.domain.errors import StorageUnavailable
from editqueue.ports.journal import Journal
from editqueue.ports.time import TOLERANCE, Clock
from editqueue.wiring.system_clock import SystemClock

Probe = Callable[[], Awaitable[datetime]]
"""`ConsumerStore.probe`."""
Report = Callable[[float], object]
"""Gets the skew in seconds after every measurement; it is positive if the system's clock is ahead."""

ASK_EVERY = 30.0
"""Seconds between two questions; a quartz is off by milliseconds after them."""
ASK_AGAIN = 1.0
"""Seconds until the next question as long as the database has never told its time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def elapsed() -> timedelta:
    """Since some moment in the past, sleep of the machine included where the system counts it; no clock that is set
    changes it."""
    counted = time.clock_gettime_ns(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns()
    return timedelta(microseconds=counted / 1000)


class DatabaseClock:
    """`Clock` that asks the database now and then, and in between counts on by itself.

    It goes on counting when the database is away. Until the database has answered once it tells no time: by that of a
    machine that is ahead, jobs of others would be taken away.
    """

    def __init__(self, probe: Probe, *, system: Clock, elapsed: Callable[[], timedelta] = elapsed) -> None:
        self._probe = probe
        self._system = system
        self._elapsed = elapsed
        self._start: datetime | None = None
        """The database's time when `elapsed` was zero."""

    @property
    def is_set(self) -> bool:
        return self._start is not None

    def now(self) -> datetime:
        """Raises StorageUnavailable until the database has told its time once."""
        if self._start is None:
            raise StorageUnavailable("the database has not told its time yet")
        return self._start + self._elapsed()

    async def ask(self) -> timedelta:
        """Set the clock by the database's. Returns how far ahead of it the system's clock is, which is negative for
        one that is behind. Raises what the probe raises; then nothing has changed."""
        before = self._elapsed()
        told = await self._probe()
        self._set(latest=told - before, earliest=told - self._elapsed())
        return self._system.now() - self.now()

    def _set(self, *, earliest: datetime, latest: datetime) -> None:
        """The database looked at its clock at some moment between question and answer. Half way is the best guess of
        the first time; later ones correct only what the answer proves wrong, so that a slow one spoils nothing."""
        if self._start is None:
            self._start = earliest + (latest - earliest) / 2
        else:
            self._start = min(max(self._start, earliest), latest)


class SkewWatch:
    """Says when the system's clock is off, and again when it is off by much more or less than was said."""

    def __init__(self, journal: Journal, report: Report) -> None:
        self._journal = journal
        self._report = report
        self._said = timedelta(0)

    def see(self, skew: timedelta) -> None:
        self._report(skew.total_seconds())
        if abs(skew) <= TOLERANCE:
            self._said = timedelta(0)
        elif abs(skew - self._said) > TOLERANCE:
            self._said = skew
            self._journal.warning("clock_skew", against="database", seconds=round(skew.total_seconds(), 1))


async def clock_of(probe: Probe) -> Clock:
    """For a command that ends soon: asked once. Raises what the probe raises."""
    clock = DatabaseClock(probe, system=SystemClock())
    await clock.ask()
    return clock


@asynccontextmanager
async def running_clock(
    probe: Probe, *, journal: Journal, report: Report = lambda _: None, system: Clock | None = None
) -> AsyncGenerator[Clock]:
    """Asked before the block begins, and kept right until it ends. What goes wrong meanwhile is written down only: then
    the clock tells no time until the database has."""
    clock = DatabaseClock(probe, system=system or SystemClock())
    watch = SkewWatch(journal, report)
    await _ask(clock, watch, journal)
    keeping = asyncio.create_task(_keep(clock, watch, journal))
    try:
        yield clock
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(clock: DatabaseClock, watch: SkewWatch, journal: Journal) -> None:
    while True:
        await asyncio.sleep(ASK_EVERY if clock.is_set else ASK_AGAIN)
        await _ask(clock, watch, journal)


async def _ask(clock: DatabaseClock, watch: SkewWatch, journal: Journal) -> None:
    try:
        watch.see(await clock.ask())
    except Exception as error:  # noqa: BLE001  # whatever it was, the next answer may come
        journal.error(None, error)
