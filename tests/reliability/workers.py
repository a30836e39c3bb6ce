"""What the forked processes do: the real wiring and the real consumer, on a clock that is told the time."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from devtools.seeds import NOON
from devtools.world import FakeImages, RecordingJournal, SteppingClock
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.entrypoints.commands.consuming import make_consumer
from editqueue.entrypoints.consumer import DRAIN_POLL
from editqueue.ports import Ports
from editqueue.ports.bucket import Bucket, ObjectInfo
from editqueue.ports.image_tools import ImageTools, Preview
from editqueue.settings import Settings, load_settings
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.consumer.sweep import sweep
from editqueue.use_cases.customer.submit_edits import submit_edits
from editqueue.wiring.server import open_server
from editqueue.wiring.system_clock import SystemClock
from tests.reliability.fates import FATES, preview_for
from tests.reliability.plan import Plan
from tests.reliability.steps import Steps, statements_counted

LEAP = timedelta(minutes=5)
"""Longer than any wait for a retry, shorter than the time after which a job is stale."""
MOST_LEAPS = 20
"""Then whoever is waited for will never come."""
PATIENT_LEAPS, PATIENT_SECONDS = 10, 0.2
"""The last of them take so long in real time, together more than from one look for consumers that are gone to the next:
on a busy machine the server is slow to give up the lock of one that was killed."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _die() -> None:
    die()


class ReadingImages:
    """Reads the whole original, as the heaviest of the real tools do, and makes of it what `trouble` lets it."""

    def __init__(self, bucket: Bucket, trouble: str) -> None:
        self._bucket = bucket
        self._trouble = trouble

    async def make_preview(self, key: str) -> Preview:
        if self._trouble == "deadly":
            die()
        body = await self._bucket.read(key)
        error = FATES[self._trouble].error if self._trouble in FATES else None
        if error is not None:
            raise error
        return preview_for(body)

    async def probe(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Leaping:
    """A pause that is over at once. When there is nothing to do but wait, time leaps, or `stop` is set."""

    def __init__(self, clock: SteppingClock, stop: asyncio.Event, *, leaps: int) -> None:
        self._clock = clock
        self._stop = stop
        self._leaps = leaps

    async def __call__(self, seconds: float) -> None:
        if seconds > 60:
            await asyncio.Event().wait()
        if seconds == DRAIN_POLL:
            self._leap()
            if 0 <= self._leaps < PATIENT_LEAPS:
                await asyncio.sleep(PATIENT_SECONDS)
        self._clock.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)

    def _leap(self) -> None:
        self._leaps -= 1
        self._clock.advance(LEAP)
        if self._leaps < 0:
            self._stop.set()


def _images(plan: Plan, ports: Ports) -> ImageTools:
    return ports.images if plan.real_images else ReadingImages(ports.bucket, plan.trouble)


def _moment(plan: Plan) -> datetime:
    return NOON + timedelta(seconds=plan.moment)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


async def consume(plan: Plan) -> None:
    """A consumer that works until nothing is left. Prints how many steps it took."""
    settings = load_settings()
    async with open_server(settings) as server:
        clock, stop = SteppingClock(_moment(plan)), asyncio.Event()
        pause = Leaping(clock, stop, leaps=MOST_LEAPS if plan.leaps else 0)
        steps = Steps(plan.kill_at, _die, every=True)
        inner = replace(server.ports, clock=clock, pause=pause, chance=lambda: 0.5)
        ports = steps.around(replace(inner, images=_images(plan, inner)))
        with statements_counted(steps, die):
            await make_consumer(replace(server, ports=ports), settings, stop).drain()
        _print(str(steps.taken))


class LiveClock:
    """The real time, `speed` times as fast; all processes of a test agree on it."""

    def __init__(self, start: float, speed: float) -> None:
        self._start = start
        self._speed = speed

    def now(self) -> datetime:
        return NOON + timedelta(seconds=(time.time() - self._start) * self._speed)


class LivePause:
    """Waits as much shorter; after `patience` looks at the database in vain, it sets `stop`."""

    def __init__(self, speed: float, patience: int, stop: asyncio.Event) -> None:
        self._speed = speed
        self._patience = patience
        self._stop = stop

    async def __call__(self, seconds: float) -> None:
        self._patience -= seconds == DRAIN_POLL
        if self._patience < 0:
            self._stop.set()
        await asyncio.sleep(seconds / self._speed)


async def consume_live(plan: Plan) -> None:
    """words: when time began, its speed, patience. A consumer in (faster) real time, whose requests end after 1 s."""
    start, speed, patience = (float(one) for one in plan.words)
    settings = load_settings()
    async with open_server(settings) as server:
        stop = asyncio.Event()
        bucket = _impatient(server.ports.bucket, settings)
        ports = replace(
            server.ports,
            bucket=bucket,
            images=ReadingImages(bucket, plan.trouble),
            clock=LiveClock(start, speed),
            pause=LivePause(speed, int(patience), stop),
        )
        await make_consumer(replace(server, ports=ports), settings, stop).drain()


def _impatient(bucket: Bucket, settings: Settings) -> Bucket:
    if not isinstance(bucket, S3Bucket):
        return bucket
    client = S3Client(
        bucket=bucket.name,
        endpoint=settings.s3_endpoint or "",
        access_key_id=settings.r2_access_key_id or "",
        secret_access_key=settings.r2_secret_access_key or "",
        timeout=timedelta(seconds=1),
    )
    return S3Bucket(client, clock=SystemClock(), system=SystemClock())


class SlowImages(ReadingImages):
    """Takes its time over a picture."""

    def __init__(self, bucket: Bucket, seconds: float) -> None:
        super().__init__(bucket, "")
        self._seconds = seconds

    async def make_preview(self, key: str) -> Preview:
        await asyncio.sleep(self._seconds)
        return await super().make_preview(key)


async def consume_until_told(plan: Plan) -> None:
    """words: where to write down the process id, seconds a picture takes, seconds after which a job is stale.

    A consumer in real time, until SIGTERM.
    """
    process, picture, stale = plan.words[0], float(plan.words[1]), timedelta(seconds=float(plan.words[2]))
    settings, stop = load_settings(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_server(settings) as server:
        limits = replace(server.ports.limits, stale_after=stale, job_timeout=stale / 2)
        ports = replace(server.ports, images=SlowImages(server.ports.bucket, picture), limits=limits)
        consumer = make_consumer(replace(server, ports=ports), settings, stop)
        Path(process).write_text(str(os.getpid()))
        await replace(consumer, sweep_interval=stale / 4).run()


async def claim(plan: Plan) -> None:
    """Run jobs that cost nothing, until none is left. Prints each with its result."""
    async with open_server(load_settings()) as server:
        bucket: Any = _NoBucket()
        journal = RecordingJournal()
        ports = replace(server.ports, bucket=bucket, images=FakeImages(), journal=journal)
        while await process_next(ports) is not None:
            _print(f"{journal.moves[-1].job_id} {journal.attempts[-1].result}")


async def submit(plan: Plan) -> None:
    """words: user, order, how many at once, file ids. Prints the job ids of every answer."""
    user_id, order_id, count, *ids = plan.words
    async with open_server(load_settings()) as server:

        async def once() -> None:
            made = await submit_edits(
                ids, order_id=order_id, user_id=user_id, express=False, notes=None, ports=server.ports
            )
            _print(" ".join(one.id for one in made))

        await asyncio.gather(*(once() for _ in range(int(count))))


async def tick(plan: Plan) -> None:
    """One cron tick. Prints how many jobs it worked on."""
    async with open_server(load_settings()) as server:
        ports = replace(server.ports, images=ReadingImages(server.ports.bucket, plan.trouble))
        _print(str((await sweep(ports)).processed))


class _NoBucket:
    """Copies and writes at no cost."""

    name = "piximmo-media"

    async def head(self, key: str) -> ObjectInfo:
        return ObjectInfo(key=key, size=1, content_type="image/jpeg", last_modified=NOON)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        pass

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a job has no business with {name}")


TASKS: dict[str, Callable[[Plan], Coroutine[Any, Any, None]]] = {
    "consume": consume,
    "consume live": consume_live,
    "consume until told": consume_until_told,
    "claim": claim,
    "submit": submit,
    "tick": tick,
}
