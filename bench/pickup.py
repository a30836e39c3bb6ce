"""Promise 25: from a submit that was answered until its job starts, the worker in another process, 20 submits a second.

The queues take turns, a block of submits each, so that a noisy neighbour hits all of them. Then a herd: sixteen idle
worker processes, and what one submit makes them do.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg

from bench.figures import Figure
from bench.live import Live, all_live, live
from bench.queues.ours import UnknownQueue, our_queue
from bench.queues.queue import Queue, Work
from bench.side_by_side import side_by_side
from bench.sizes import size
from devtools.databases import new_sqlite
from devtools.scratch import in_memory

RATE = 20
"""Submits a second."""
SUBMITS = size("PICKUPS", 400)
"""Of each queue, after the first block."""
BLOCK = 40
HERD = size("HERD", 16)
HERD_SUBMITS = 60
SETTLING = 3.0
"""Seconds until PostgreSQL has counted what was done (it does so once a second) and idle workers have calmed down."""
QUEUES = ("postgres", "local")
"""Values of EDITQUEUE_QUEUE on PostgreSQL; one that this version does not know is left out."""


async def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        return [*await _pickups(Path(folder)), *await _herd(Path(folder) / "herd")]


async def _pickups(folder: Path) -> list[Figure]:
    files = SUBMITS + 10 * BLOCK
    async with AsyncExitStack() as stack:
        queues: list[Queue] = []
        for kind in QUEUES:
            known = await _opened(stack, folder / kind, files, kind)
            queues += known if not queues else known[:1]
        queues.append(await _on_sqlite(stack, folder, files))
        works = [Work(record=folder / f"{number}.txt") for number in range(len(queues))]
        running = await stack.enter_async_context(all_live(list(zip(queues, works, strict=True))))
        waited = await _in_turns(running)
    return _figures(waited)


async def _opened(stack: AsyncExitStack, folder: Path, files: int, kind: str) -> Sequence[Queue]:
    """None at all where this version does not know such a queue."""
    try:
        name = f"ours, PostgreSQL, EDITQUEUE_QUEUE={kind}"
        return await stack.enter_async_context(side_by_side(folder, files=files, queue=kind, name=name))
    except UnknownQueue:
        return []


async def _on_sqlite(stack: AsyncExitStack, folder: Path, files: int) -> Queue:
    url = new_sqlite(folder, "pickup")
    return await stack.enter_async_context(our_queue(url, folder / "sqlite", files=files, name="ours, SQLite"))


async def _in_turns(running: Sequence[Live]) -> Mapping[str, list[float]]:
    """Milliseconds of every submit by the name of its queue."""
    waited: dict[str, list[float]] = {one.queue.name: [] for one in running}
    for block in range(SUBMITS // BLOCK + 1):
        for one in running if block % 2 else reversed(running):
            found = await pickups(one, BLOCK)
            if block:  # the first warms up
                waited[one.queue.name] += found
    return waited


async def pickups(one: Live, count: int) -> list[float]:
    """Milliseconds from each of `count` submits that were answered until its job began; less than 0: before that."""
    answered: dict[int, float] = {}
    due = time.monotonic()
    for _ in range(count):
        number = one.submitted
        await one.submit(1)
        answered[number] = time.time()
        due += 1 / RATE
        await asyncio.sleep(max(0, due - time.monotonic()))
    await one.drained(patience=300)
    began = {event.number: event.at for event in reversed(one.records.events) if event.kind == "began"}
    return [(began[number] - at) * 1000 for number, at in answered.items()]


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _figures(waited: Mapping[str, Sequence[float]]) -> list[Figure]:
    figures = [
        Figure(
            promise=25,
            what=f"submit answered until started, {RATE}/s, {name}: {word}",
            measured=quantile(values, share),
            target=_target(name, word),
            unit="ms",
        )
        for name, values in waited.items()
        for word, share in (("p50", 0.5), ("p99", 0.99))
    ]
    return [*figures, *_beside_peers(waited)]


def _target(name: str, word: str) -> float | None:
    if name.endswith("postgres"):
        return {"p50": 5.0, "p99": 30.0}[word]
    return 60.0 if name == "ours, SQLite" and word == "p99" else None


def _beside_peers(waited: Mapping[str, Sequence[float]]) -> list[Figure]:
    ours = next((values for name, values in waited.items() if name.endswith("postgres")), None)
    if ours is None:
        return []
    return [
        Figure(
            promise=25,
            what=f"submit answered until started, p50: ours, EDITQUEUE_QUEUE=postgres / {peer}",
            measured=quantile(ours, 0.5) / quantile(waited[peer], 0.5),
            target=1,
            unit="x",
        )
        for peer in ("procrastinate", "pgqueuer")
    ]


async def _herd(folder: Path) -> list[Figure]:
    figures: list[Figure] = []
    for kind in QUEUES:
        async with AsyncExitStack() as stack:
            queues = await _opened(stack, folder / kind, 100 * (HERD_SUBMITS + HERD), kind)
            for number, queue in enumerate(queues if not figures else queues[:1]):
                figures.append(await _woken(queue, folder / kind / f"{number}.txt"))
    return figures


async def _woken(queue: Queue, record: Path) -> Figure:
    async with live(queue, Work(record=record), processes=HERD) as herd:
        await asyncio.sleep(SETTLING)
        before, started = _transactions(queue.url), time.monotonic()
        await asyncio.sleep(SETTLING)
        idle = (_transactions(queue.url) - before) / (time.monotonic() - started)
        asked, before, started = herd.records.count("asked"), _transactions(queue.url), time.monotonic()
        waited = await pickups(herd, HERD_SUBMITS)
        asked = herd.records.count("asked") - asked
        await asyncio.sleep(SETTLING)
        done = _transactions(queue.url) - before - idle * (time.monotonic() - started)
    return Figure(
        promise=25,
        what=f"{HERD} idle worker processes, {RATE} submits/s, {queue.name}: transactions for one job",
        measured=done / HERD_SUBMITS,
        unit="",
        facts={
            "claims_asked_for_a_job": asked / HERD_SUBMITS,
            "idle_transactions_per_s": idle,
            "pickup_p50_ms": quantile(waited, 0.5),
            "pickup_p99_ms": quantile(waited, 0.99),
        },
    )


def _transactions(url: str) -> int:
    """That the server has counted on this database until now, rolled back ones too."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert found is not None
    return int(found[0])
