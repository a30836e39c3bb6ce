"""Promise 17: the state machine alone, its jobs doing nothing, beside procrastinate and pgqueuer on one PostgreSQL.

PostgreSQL runs with fsync off for both: a disk that syncs in 4 ms would hide what the programs cost.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.figures import Figure, middle
from bench.processes import Report, run_workers
from bench.seeding import Rows, seed, seed_pgqueuer, seed_procrastinate
from devtools.databases import new_postgres, new_sqlite, postgres_server
from devtools.scratch import in_memory

ROUNDS = 5
JOBS = 1500
SIZES = (1_000, 100_000, 1_000_000)
SETUPS = ((1, 8), (1, 1), (2, 4), (4, 1))
"""Processes and jobs at a time in each; the first is the one that counts."""
CONSUMERS = (1, 2, 4, 8)
PEERS = {"procrastinate": seed_procrastinate, "pgqueuer": seed_pgqueuer}
TARGETS = {("procrastinate", 1, 8): 2.0, ("procrastinate", 1, 1): 1.0, ("pgqueuer", 1, 8): 1.0}
"""By peer, processes and jobs at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    jobs_per_second: float
    cpu_ms: float
    claims_ms: Sequence[float]


async def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder, ExitStack() as stack:
        postgres = stack.enter_context(new_postgres())
        sqlite = _numbered(Path(folder))
        return [
            *[figure for setup in SETUPS for figure in await _beside_peers(postgres, *setup)],
            *await _growing("PostgreSQL", postgres),
            *await _growing("SQLite", sqlite),
        ]


def _numbered(folder: Path) -> Callable[[], str]:
    made: list[str] = []

    def new() -> str:
        made.append(new_sqlite(folder, f"bench-{len(made)}"))
        return made[-1]

    return new


async def _beside_peers(new: Callable[[], str], processes: int, at_a_time: int) -> list[Figure]:
    rounds = ROUNDS if (processes, at_a_time) == SETUPS[0] else ROUNDS // 2
    ours: list[Run] = []
    theirs: dict[str, list[Run]] = {peer: [] for peer in PEERS}
    for _ in range(rounds):
        ours.append(await _ours(new(), Rows(queued=JOBS), processes, at_a_time))
        for peer, runs in theirs.items():
            runs.append(await _peer(peer, processes, at_a_time))
    who = f"{processes} process{'es' if processes > 1 else ''} x {at_a_time} at a time"
    return [
        *[_ratio(ours, runs, peer, who, TARGETS.get((peer, processes, at_a_time))) for peer, runs in theirs.items()],
        _row(f"no-op jobs on PostgreSQL, {who}: ours", ours),
        *[_row(f"no-op jobs on PostgreSQL, {who}: {peer}", runs) for peer, runs in theirs.items()],
    ]


def _ratio(ours: Sequence[Run], theirs: Sequence[Run], peer: str, who: str, target: float | None) -> Figure:
    ratios = [mine.jobs_per_second / other.jobs_per_second for mine, other in zip(ours, theirs, strict=True)]
    measured, spread = middle(ratios)
    return Figure(
        promise=17,
        what=f"no-op jobs/s on PostgreSQL / {peer}, {who}",
        measured=measured,
        target=target,
        at_least=True,
        unit="x",
        spread=spread,
    )


async def _growing(database: str, new: Callable[[], str]) -> list[Figure]:
    rows = [
        _row(
            f"no-op jobs on {database}, {size:,} finished rows, 1 x 1",
            [await _ours(new(), Rows(queued=JOBS, finished=size), 1, 1)],
            {"rows": size},
        )
        for size in SIZES
    ]
    consumers = [
        _row(
            f"no-op jobs on {database}, {count} consumer{'s' if count > 1 else ''} x 1",
            [await _ours(new(), Rows(queued=JOBS), count, 1)],
            {"consumers": count},
        )
        for count in CONSUMERS
    ]
    return [*rows, *consumers]


async def _ours(url: str, rows: Rows, processes: int, at_a_time: int) -> Run:
    await asyncio.to_thread(seed, url, rows)
    return _run(await run_workers("noop_consumer", [url, str(at_a_time)], count=processes), rows)


async def _peer(peer: str, processes: int, at_a_time: int) -> Run:
    server, rows = postgres_server(), Rows(queued=JOBS)
    name = server.create()
    try:
        await PEERS[peer](server.url(name), rows)
        reports = await run_workers(f"{peer}_worker", [server.url(name), str(at_a_time)], count=processes)
        return _run(reports, rows)
    finally:
        server.drop(name)


def _run(reports: Sequence[Report], rows: Rows) -> Run:
    done = sum(one["done"] for one in reports)
    assert done == rows.queued, f"{done} of {rows.queued} jobs done"
    took = max(one["ended"] for one in reports) - min(one["started"] for one in reports)
    return Run(
        jobs_per_second=done / took,
        cpu_ms=sum(one["cpu_seconds"] for one in reports) / done * 1000,
        claims_ms=sorted(seconds * 1000 for one in reports for seconds in one["claims"]),
    )


def _row(what: str, runs: Sequence[Run], facts: dict[str, float] | None = None) -> Figure:
    measured, spread = middle([one.jobs_per_second for one in runs])
    told = {"cpu_ms": median(one.cpu_ms for one in runs)} | (facts or {})
    claims = runs[len(runs) // 2].claims_ms
    if claims:
        told |= {"claim_p50_ms": claims[len(claims) // 2], "claim_p99_ms": claims[int(len(claims) * 0.99) - 1]}
    return Figure(promise=17, what=what, measured=measured, unit="jobs/s", spread=spread, facts=told)
