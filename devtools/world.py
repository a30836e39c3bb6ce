"""A whole system in one process: the real store and buckets, and what time, chance and images are told to be."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from devtools.databases import new_sqlite
from devtools.memory_bucket import MemoryBucket
from devtools.seeds import NOON, seed_files, seed_order, submit
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.job_queue.local import LocalQueue
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.files import File, Notification
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.domain.keys import ObjectKeys
from editqueue.domain.preview_spec import LONG_EDGE
from editqueue.ports import Limits, Ports
from editqueue.ports.image_tools import Preview
from editqueue.ports.job_store import JobQuery
from editqueue.ports.journal import Course

SECRET = "0123456789abcdef0123456789abcdef"


@dataclass
class SteppingClock:
    """Stands still until somebody moves it."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def advance(self, step: timedelta) -> datetime:
        self.time += step
        return self.time


@dataclass
class InstantPause:
    """Short waits are over at once and move the clock; the wait for the next sweep never ends."""

    clock: SteppingClock
    waits: list[float] = field(default_factory=list[float])

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        if seconds > 60:
            await asyncio.Event().wait()
        self.clock.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Move:
    job_id: str
    before: JobStatus | None
    after: JobStatus
    cause: str


class RecordingJournal:
    def __init__(self) -> None:
        self.moves: list[Move] = []
        self.attempts: list[Course] = []
        self.errors: list[tuple[str | None, BaseException]] = []
        self.warnings: list[str] = []
        self.pauses: list[str] = []
        """`paused X` and `resumed X`, in their order."""

    def transition(self, job: EditJob, *, before: JobStatus | None, cause: str) -> None:
        self.moves.append(Move(job.id, before, job.status, cause))

    def attempt(self, job: EditJob, course: Course) -> None:
        self.attempts.append(course)

    def error(self, job_id: str | None, error: BaseException) -> None:
        self.errors.append((job_id, error))

    def warning(self, event: str, **facts: object) -> None:
        self.warnings.append(event)

    def paused(self, ground: str, reason: str) -> None:
        self.pauses.append(f"paused {ground}")

    def resumed(self, ground: str, *, seconds: float) -> None:
        self.pauses.append(f"resumed {ground}")

    def causes(self) -> list[str]:
        return [one.cause for one in self.moves]


class FakeImages:
    """Makes the same preview of the same key; `errors` says what goes wrong instead, for every key or for one."""

    def __init__(self) -> None:
        self.lost: Exception | None = None
        """What a probe finds."""
        self.error: Exception | None = None
        self.errors: dict[str, Exception] = {}
        self.gate: asyncio.Event | None = None
        """While set and not open, every preview waits for it."""
        self.entered = asyncio.Event()
        self.calls: list[str] = []
        self._called = asyncio.Condition()

    async def crowd(self, size: int) -> None:
        """Wait until `size` previews were asked for."""
        async with self._called:
            await self._called.wait_for(lambda: len(self.calls) >= size)

    async def make_preview(self, key: str) -> Preview:
        async with self._called:
            self.calls.append(key)
            self._called.notify_all()
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        error = self.errors.get(key, self.error)
        if error is not None:
            raise error
        return preview_of(key)

    async def probe(self) -> None:
        if self.lost is not None:
            raise self.lost

    async def close(self) -> None:
        pass


def preview_of(key: str) -> Preview:
    return Preview(body=f"preview of {key}".encode(), width=LONG_EDGE, height=853, source_format="jpeg", path="fake")


@dataclass(frozen=True, kw_only=True)
class World:
    ports: Ports
    store: SqlStore
    bucket: MemoryBucket
    queue: LocalQueue
    images: FakeImages
    clock: SteppingClock
    journal: RecordingJournal
    pause: InstantPause
    signer: UrlSigner

    async def submitted(self, count: int, *, name: str = "bild.jpg", content_type: str = "image/jpeg") -> list[File]:
        """Files of a new order of anna's, their originals uploaded, their jobs queued."""
        files = await seed_files(self.store, await seed_order(self.store), count, name=name)
        for file in files:
            await self.bucket.write(file.object_key, original(file), content_type=content_type)
        await submit(self.store, files, now=self.clock.now())
        return [*files]

    async def file(self, file: File) -> File:
        [found] = await self.store.files([file.id])
        return found

    async def job(self, file: File) -> EditJob:
        """The newest job of the file."""
        jobs = await self.jobs()
        return next(one for one in jobs if one.file_id == file.id)

    async def jobs(self) -> Sequence[EditJob]:
        return await self.store.jobs(JobQuery(limit=10_000))

    async def notes(self, user_id: str = "anna") -> Sequence[Notification]:
        return await self.store.notifications(user_id, limit=10_000, before_id=None)

    async def objects(self) -> dict[str, str]:
        """Every object by key, as a hash of its bytes."""
        return {
            one.key: hashlib.sha256(await self.bucket.read(one.key)).hexdigest() async for one in self.bucket.list("")
        }


def original(file: File) -> bytes:
    return f"raw of {file.id}".encode()


def keys_of(file: File) -> ObjectKeys:
    return ObjectKeys.from_raw(file.object_key)


@asynccontextmanager
async def make_ports(
    folder: Path, *, limits: Limits | None = None, chance: float = 0.5, url: str | None = None
) -> AsyncGenerator[World]:
    """A world on the database `url`, else on a SQLite one in `folder`."""
    clock = SteppingClock()
    signer = UrlSigner(secret=SECRET.encode(), clock=clock)
    store = await open_store(url or new_sqlite(folder))
    bucket, queue, images = MemoryBucket(signer=signer, clock=clock), LocalQueue(), FakeImages()
    journal, pause = RecordingJournal(), InstantPause(clock)
    ports = Ports(
        store=store,
        bucket=bucket,
        queue=queue,
        images=images,
        clock=clock,
        chance=lambda: chance,
        journal=journal,
        pause=pause,
        limits=limits or Limits(),
    )
    yield World(
        ports=ports,
        store=store,
        bucket=bucket,
        queue=queue,
        images=images,
        clock=clock,
        journal=journal,
        pause=pause,
        signer=signer,
    )
    await queue.close()
    await store.close()
