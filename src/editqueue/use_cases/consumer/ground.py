"""What every job stands on: database, bucket and image tools. While one is away, jobs wait and none is begun."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta

from editqueue.domain.errors import EditQueueError, GroundLost, NoImageWorker
from editqueue.ports import Ports
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.journal import Journal
from editqueue.use_cases.consumer.verdict import described
from editqueue.use_cases.unless_stopped import within

PATIENCE = 12.0
"""Seconds in which a probe must answer."""
PROBE_EVERY = 2.0
"""Seconds between probes during a pause: work goes on within 5 s after the ground is back."""
PROBE_DATABASE_EVERY = 0.5
"""The same for the database, whose probe costs next to nothing: within a second after it answers, all is as before."""
TELL_EVERY = timedelta(minutes=1)
"""How often a pause is written down again, so that it is told from one of a consumer that died."""
LEAVING = 2.0
"""Seconds for taking the record of a pause back."""


async def find_lost_ground(ports: Ports, cause: Exception | None = None) -> GroundLost | None:
    """Ask database, bucket and image tools whether jobs can be done now; the first that says no, or does not answer.

    `cause` is the error that made us ask. One that is never a file's own needs no question.
    """
    if isinstance(cause, NoImageWorker):
        return GroundLost("images", described(cause))
    probes = (("database", ports.store.probe), ("bucket", ports.bucket.probe), ("images", ports.images.probe))
    for ground, probe in probes:
        timer = asyncio.timeout(PATIENCE)
        try:
            async with timer:
                await probe()
        except (EditQueueError, OSError) as error:
            reason = f"no answer within {PATIENCE:g} s" if timer.expired() else described(error)
            return GroundLost(ground, reason)
        except Exception as error:  # noqa: BLE001  # a defect in a probe must not stop the work for ever
            ports.journal.error(None, error)
    return None


@contextmanager
def paused(ground: str, reason: str, journal: Journal) -> Generator[None]:
    """Around a pause: one log line at its beginning, and one at its end, if it comes to it."""
    began = time.monotonic()
    journal.paused(ground, reason)
    yield
    journal.resumed(ground, seconds=time.monotonic() - began)


class Ground:
    """The pauses of one consumer process, whose workers wait together."""

    def __init__(self, ports: Ports, *, consumer: str) -> None:
        self._ports = ports
        self._consumer = consumer
        self._there = asyncio.Event()
        self._there.set()

    @property
    def is_there(self) -> bool:
        """False during a pause."""
        return self._there.is_set()

    async def there(self) -> None:
        """Wait until no pause is on."""
        await self._there.wait()

    async def wait(self, lost: GroundLost) -> None:
        """Begin a pause, or join the one that is on; it ends when all of the ground is there again."""
        if not self.is_there:
            await self.there()
            return
        self._there.clear()
        try:
            await self._pause(lost)
        finally:
            self._there.set()

    async def _pause(self, lost: GroundLost | None) -> None:
        while lost is not None:
            with paused(lost.ground, lost.reason, self._ports.journal):
                try:
                    lost = await self._other_ground(lost)
                finally:
                    await self._take_back()

    async def _other_ground(self, lost: GroundLost) -> GroundLost | None:
        """What is away once the ground of `lost` is back; None if nothing is."""
        told: ConsumerPause | None = None
        still: GroundLost | None = lost
        while still is not None and still.ground == lost.ground:
            told = await self._tell(still, told)
            await self._ports.pause(PROBE_DATABASE_EVERY if lost.ground == "database" else PROBE_EVERY)
            still = await find_lost_ground(self._ports)
        return still

    async def _tell(self, lost: GroundLost, told: ConsumerPause | None) -> ConsumerPause | None:
        """Write a pause down at its beginning and then every TELL_EVERY, if the time is known. Returns it as it was
        told last."""
        if lost.ground == "database":
            return None
        with self._quiet():
            now = self._ports.clock.now()
            if told is None or now - told.seen_at >= TELL_EVERY:
                since = now if told is None else told.since
                told = ConsumerPause(
                    consumer=self._consumer, ground=lost.ground, reason=lost.reason, since=since, seen_at=now
                )
                await self._ports.store.record_pause(told)
        return told

    async def _take_back(self) -> None:
        """Unless the database is away: then the record is old by the time anybody reads it."""
        with self._quiet(), suppress(TimeoutError):
            await within(LEAVING, self._ports.store.end_pause(self._consumer))

    @contextmanager
    def _quiet(self) -> Generator[None]:
        """Around what must not end a pause. An outage is no news here: the log and the gauge tell of it."""
        try:
            yield
        except EditQueueError:
            pass
        except Exception as error:  # noqa: BLE001  # a defect is seen, and the consumer goes on
            self._ports.journal.error(None, error)
