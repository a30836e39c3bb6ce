"""How long each migration stops who reads and writes, with a million jobs and a million files in the database.

Probes read and write a job and its file all the time, each on a connection of its own; the longest that one waited is
the figure. On PostgreSQL the locks that keep writers out are looked at besides. EDITQUEUE_BENCH_MIGRATED=50000 is less.
"""

import asyncio
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.figures import Figure
from bench.sizes import size
from devtools.databases import KINDS, Kind, empty_database
from devtools.history import Size, load
from devtools.scratch import NOW
from editqueue.adapters.job_store.opening.migrate import upgrade
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.adapters.job_store.opening.revisions import all_revisions

ROWS = size("MIGRATED", 1_000_000)
SIZE = Size(finished=ROWS, queued=ROWS // 100, files=ROWS)
LONGEST = 1.0
"""Seconds for which a migration may stop anybody."""
PAUSE = 0.002
"""Seconds between two looks of a probe, which else would take a core."""
PATIENCE = 600
READS = (
    "SELECT status FROM edit_jobs WHERE id = (SELECT max(id) FROM edit_jobs)",
    "SELECT status FROM files WHERE id = (SELECT max(id) FROM files)",
)
WRITES = (
    "UPDATE edit_jobs SET run_after = run_after WHERE id = (SELECT max(id) FROM edit_jobs)",
    "UPDATE files SET updated_at = updated_at WHERE id = (SELECT max(id) FROM files)",
)
LOCKS = """SELECT count(*) FROM pg_locks WHERE granted AND relation IN ('edit_jobs'::regclass, 'files'::regclass)
AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"""
"""That whoever writes waits for, and some of them who reads."""
Ask = Callable[[], object]


@dataclass
class Waits:
    """The longest wait of each probe, in seconds."""

    longest: dict[str, float] = field(default_factory=dict[str, float])

    def note(self, name: str, seconds: float) -> None:
        self.longest[name] = max(self.longest.get(name, 0.0), seconds)


async def measure() -> list[Figure]:
    return [figure for kind in KINDS for figure in await asyncio.to_thread(_measure_on, kind)]


def _measure_on(kind: Kind) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, empty_database(kind, Path(folder)) as url:
        first, *others = all_revisions()
        _migrate(url, first)
        started = time.perf_counter()
        asyncio.run(_filled(url))
        print(f"  {kind}: {ROWS:,} jobs and files loaded in {time.perf_counter() - started:.0f} s", flush=True)
        return [_measured(kind, url, revision) for revision in others]


async def _filled(url: str) -> None:
    database = open_database(url, command_seconds=None)
    try:
        await load(database, SIZE, moment=round(NOW.timestamp() * 1000), without={"attempts"})
    finally:
        await database.close()


def _measured(kind: Kind, url: str, revision: str) -> Figure:
    with ExitStack() as stack:
        waits = Waits()
        stack.enter_context(_probing(url, waits))
        started = time.perf_counter()
        _migrate(url, revision)
        took = time.perf_counter() - started
    return Figure(
        promise=0,
        what=f"longest wait while {revision} is migrated to, {ROWS:,} jobs and files, {kind}",
        measured=max(waits.longest[name] for name in ("read", "write")),
        target=LONGEST,
        unit="s",
        facts={f"{name}_ms": seconds * 1000 for name, seconds in waits.longest.items()} | {"took_s": took},
    )


def _migrate(url: str, revision: str) -> None:
    async def run() -> None:
        database = open_database(url, command_seconds=None)
        try:
            await database.with_connection(partial(upgrade, to=revision))
        finally:
            await database.close()

    asyncio.run(run())


@contextmanager
def _probing(url: str, waits: Waits) -> Generator[None]:
    """Begun before the migration, and ended when each probe has looked once more after it."""
    watched = url.startswith("postgresql")
    probes = Probes(url=url, waits=waits, ready=threading.Barrier(4 if watched else 3))
    work = [partial(probes.ask, "read", READS), partial(probes.ask, "write", WRITES)]
    threads = [threading.Thread(target=one) for one in [*work, *([probes.watch_locks] if watched else [])]]
    for thread in threads:
        thread.start()
    probes.ready.wait()
    try:
        yield
    finally:
        probes.ending.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True, kw_only=True)
class Probes:
    """What each does in a thread of its own."""

    url: str
    waits: Waits
    ready: threading.Barrier
    ending: threading.Event = field(default_factory=threading.Event)

    def ask(self, name: str, statements: Sequence[str]) -> None:
        with ExitStack() as stack:
            ask = self._connected(statements, stack)
            ask()
            self.ready.wait()
            is_last = False
            while not is_last:
                is_last = self.ending.is_set()
                started = time.perf_counter()
                ask()
                self.waits.note(name, time.perf_counter() - started)
                self.ending.wait(PAUSE)

    def _connected(self, statements: Sequence[str], stack: ExitStack) -> Ask:
        if self.url.startswith("postgresql"):
            server = stack.enter_context(psycopg.connect(self.url, autocommit=True))
            return lambda: [server.execute(one.encode()) for one in statements]
        path = make_url(self.url).database or ""
        file = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)))
        return lambda: [file.execute(one).fetchall() for one in statements]

    def watch_locks(self) -> None:
        """How long on end somebody holds a lock that keeps writers out."""
        with psycopg.connect(self.url, autocommit=True) as server:
            self.ready.wait()
            since: float | None = None
            while not self.ending.wait(PAUSE):
                [held] = server.execute(LOCKS).fetchall()[0]
                now = time.perf_counter()
                since = (since or now) if held else None
                self.waits.note("lock", now - since if since else 0.0)
