"""Promise 27 at size: claim, submit and sweep on millions of finished jobs, and on a small database.

Both are on the same server, with as many consumers and as long a queue, which must outlast all rounds, and take turns.
EDITQUEUE_BENCH_SCALE_FINISHED=10000000 is the full size; the server keeps its tables in the folder for temporary files
(TMPDIR), and the bench says how large they are.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median

import psycopg

from bench.figures import Figure
from bench.processes import run_workers
from bench.seeding import PER_ORDER, SUBMITTER, Rows, add_marked_files, marked_file, marked_order, seed
from bench.sizes import size
from devtools.databases import new_postgres
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.messages import GAVE_UP

FINISHED, QUEUED = size("SCALE_FINISHED", 1_000_000), size("SCALE_QUEUED", 100_000)
SMALL = Rows(finished=10_000, queued=QUEUED, told=True)
LARGE = Rows(finished=FINISHED, queued=QUEUED, told=True)
CONSUMERS, PROCESSES = size("SCALE_CONSUMERS", 32), 4
ROUNDS = size("SCALE_ROUNDS", 4)
SECONDS = size("SCALE_SECONDS", 5)
"""That the consumers work in each round."""
PREFIX = "submitted-"
ORDERS_A_ROUND, SINGLES = 6, 20
STALE, EXPIRED = 40, 10
"""Jobs and files that each round's sweep finds."""


@dataclass(kw_only=True)
class Side:
    """One of the two databases, and what each round measured."""

    name: str
    url: str
    store: SqlStore
    jobs_per_second: list[float] = field(default_factory=list[float])
    claim_ms: list[float] = field(default_factory=list[float])
    submit_one_ms: list[float] = field(default_factory=list[float])
    submit_hundred_ms: list[float] = field(default_factory=list[float])
    rescue_ms: list[float] = field(default_factory=list[float])
    expiry_ms: list[float] = field(default_factory=list[float])


async def measure() -> list[Figure]:
    async with AsyncExitStack() as stack:
        new = stack.enter_context(new_postgres())
        sides: list[Side] = []
        for name, rows in (("small", SMALL), ("large", LARGE)):
            url = new()
            print(f"  {name}: loading {rows.finished:,} finished and {rows.queued:,} queued jobs", flush=True)
            seconds = await asyncio.to_thread(_loaded, url, rows)
            store = await open_store(url)
            stack.push_async_callback(store.close)
            sides.append(Side(name=name, url=url, store=store))
            print(f"  {name}: {_gigabytes(url):.1f} GB in {seconds:.0f} s", flush=True)
        for number in range(ROUNDS + 1):
            for side in sides if number % 2 else reversed(sides):
                await _round(side, number)
        return _figures(*sides)


def _loaded(url: str, rows: Rows) -> float:
    """Seconds it took. Indexes come last: a tenth of the time."""
    started = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename IN"
            " ('edit_jobs', 'files', 'notifications')"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}".encode())
        seed(url, rows)
        add_marked_files(url, orders=(ROUNDS + 1) * ORDERS_A_ROUND, prefix=PREFIX)
        for _, definition in indexes:
            connection.execute(str(definition).encode())
        connection.execute("VACUUM ANALYZE")
    return time.perf_counter() - started


def _gigabytes(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert found is not None
    return int(found[0]) / 1e9


async def _round(side: Side, number: int) -> None:
    """The first warms up."""
    made = Side(name=side.name, url=side.url, store=side.store)
    await _submit(made, number * ORDERS_A_ROUND)
    await _sweep(made)
    await _work(made)
    if number:
        side.jobs_per_second += made.jobs_per_second
        side.claim_ms += made.claim_ms
        side.submit_one_ms += made.submit_one_ms
        side.submit_hundred_ms += made.submit_hundred_ms
        side.rescue_ms += made.rescue_ms
        side.expiry_ms += made.expiry_ms


async def _submit(side: Side, first: int) -> None:
    """Whole orders, and one whose files come one by one."""
    for order in range(first, first + ORDERS_A_ROUND - 1):
        side.submit_hundred_ms.append(await _submitted(side.store, order, range(PER_ORDER)))
    for number in range(SINGLES):
        side.submit_one_ms.append(await _submitted(side.store, first + ORDERS_A_ROUND - 1, range(number, number + 1)))


async def _submitted(store: SqlStore, order: int, numbers: range) -> float:
    files = [marked_file(PREFIX, order * PER_ORDER + number) for number in numbers]
    started = time.perf_counter()
    made = await store.submit(
        files, order_id=marked_order(PREFIX, order), user_id=SUBMITTER, express=False, notes=None, now=datetime.now(UTC)
    )
    assert len(made.new) == len(files), f"{len(made.new)} of {len(files)} submitted"
    return (time.perf_counter() - started) * 1000


async def _sweep(side: Side) -> None:
    """Jobs of a consumer that is gone are queued again, and old files lose their objects."""
    long_ago, now = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC)
    for _ in range(STALE):
        assert await side.store.claim_next(now=long_ago) is not None
    started = time.perf_counter()
    rescued = await side.store.rescue(
        started_before=now - timedelta(minutes=15), max_retries=3, message=GAVE_UP, now=long_ago
    )
    side.rescue_ms.append((time.perf_counter() - started) * 1000)
    assert len(rescued) == STALE, f"{len(rescued)} of {STALE} rescued"
    started = time.perf_counter()
    due = await side.store.begin_expiry(finished_before=now, abandoned_before=long_ago, limit=EXPIRED, now=now)
    for expiry in due:
        await side.store.settle_expiry(expiry, now=now)
    side.expiry_ms.append((time.perf_counter() - started) * 1000)
    assert len(due) == EXPIRED, f"{len(due)} of {EXPIRED} expired"


async def _work(side: Side) -> None:
    words = [side.url, str(CONSUMERS // PROCESSES), str(SECONDS)]
    reports = await run_workers("noop_consumer", words, count=PROCESSES)
    took = max(one["ended"] for one in reports) - min(one["started"] for one in reports)
    side.jobs_per_second.append(sum(one["done"] for one in reports) / took)
    side.claim_ms += [seconds * 1000 for one in reports for seconds in one["claims"]]


def _figures(small: Side, large: Side) -> list[Figure]:
    sizes = f"{FINISHED:,} finished + {QUEUED:,} queued / {SMALL.finished:,} + {SMALL.queued:,}"

    def compared(what: str, small_ms: Sequence[float], large_ms: Sequence[float]) -> Figure:
        few, many = median(small_ms), median(large_ms)
        return Figure(
            promise=27, what=f"{what}, {sizes}", measured=many / few, target=1.5, unit="x",
            facts={"small_ms": few, "large_ms": many},
        )  # fmt: skip

    rates = (median(small.jobs_per_second), median(large.jobs_per_second))
    return [
        Figure(
            promise=27,
            what=f"no-op jobs/s, {CONSUMERS} consumers in {PROCESSES} processes, small / large, {sizes}",
            measured=rates[0] / rates[1],
            target=1.5,
            unit="x",
            facts={"small_per_s": rates[0], "large_per_s": rates[1]},
        ),
        compared(f"claim, {CONSUMERS} consumers", small.claim_ms, large.claim_ms),
        compared("submit of one file", small.submit_one_ms, large.submit_one_ms),
        compared("submit of a hundred files", small.submit_hundred_ms, large.submit_hundred_ms),
        compared(f"sweep: {STALE} stale jobs queued again", small.rescue_ms, large.rescue_ms),
        compared(f"sweep: {EXPIRED} files expired", small.expiry_ms, large.expiry_ms),
    ]
