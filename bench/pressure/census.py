"""How many jobs are there of each status? Asked with ten thousand finished jobs, and with a million."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from pgqueuer.queries import Queries

from bench.figures import Figure
from bench.pgqueuer_app import connect
from bench.procrastinate_app import make_app
from bench.seeding import Rows, seed_pgqueuer, seed_procrastinate
from bench.sizes import size
from devtools.databases import KINDS, Kind, postgres_server
from devtools.history import Size
from devtools.plans import database_with
from devtools.scratch import NOW
from editqueue.adapters.job_store.opening.open_store import open_store

FEW, MANY = 10_000, size("FINISHED", 1_000_000)
QUEUED = 1_000
ASKED = size("CENSUS_ASKED", 60)
Ask = Callable[[], Awaitable[object]]


async def measure(folder: Path) -> list[Figure]:
    del folder
    return [
        *[await _compared(f"ours, {kind}", [_ours(kind, FEW), _ours(kind, MANY)], target=2) for kind in KINDS],
        await _compared("procrastinate", [_procrastinate(FEW), _procrastinate(MANY)]),
        await _compared("pgqueuer", [_pgqueuer(FEW), _pgqueuer(MANY)]),
    ]


async def _compared(name: str, opening: Sequence["AsyncGenerator[Ask]"], target: float | None = None) -> Figure:
    async with AsyncExitStack() as stack:
        few, many = [await stack.enter_async_context(_as_context(one)) for one in opening]
        seconds: tuple[list[float], list[float]] = ([], [])
        for number in range(ASKED):
            for side in (0, 1) if number % 2 else (1, 0):
                started = time.perf_counter()
                await (few, many)[side]()
                seconds[side].append(time.perf_counter() - started)
    small, large = median(seconds[0]), median(seconds[1])
    return Figure(
        promise=27,
        what=f"counting jobs by status, {MANY:,} finished / {FEW:,}, {name}",
        measured=large / small,
        target=target,
        unit="x",
        facts={"few_ms": small * 1000, "many_ms": large * 1000},
    )


@asynccontextmanager
async def _as_context(opening: "AsyncGenerator[Ask]") -> AsyncGenerator[Ask]:
    try:
        yield await anext(opening)
    finally:
        await opening.aclose()


async def _ours(kind: Kind, finished: int) -> AsyncGenerator[Ask]:
    async with database_with(kind, Size(finished=finished, queued=QUEUED, files=max(finished // 4, QUEUED))) as url:
        store = await open_store(url)
        try:
            yield lambda: store.queue_stats(now=NOW)
        finally:
            await store.close()


async def _procrastinate(finished: int) -> AsyncGenerator[Ask]:
    server = postgres_server()
    name = server.create()
    try:
        await seed_procrastinate(server.url(name), Rows(queued=QUEUED, finished=finished))
        app = make_app(server.url(name))
        async with app.open_async():
            yield app.job_manager.list_queues_async
    finally:
        server.drop(name)


async def _pgqueuer(finished: int) -> AsyncGenerator[Ask]:
    """It has two questions: what waits, and what was done, folded into counts as they come."""
    server = postgres_server()
    name = server.create()
    try:
        await seed_pgqueuer(server.url(name), Rows(queued=QUEUED, finished=finished))
        connection = await connect(server.url(name))
        queries = Queries.from_asyncpg_connection(connection)

        async def ask() -> None:
            await queries.queue_size()
            await queries.log_statistics(limit=None)

        await ask()  # folds what was seeded
        yield ask
        await connection.close()
    finally:
        server.drop(name)
