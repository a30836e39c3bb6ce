"""Promise 18: claims and counts cost the same on a million finished jobs as on a thousand queued ones.

Small and large books are open at the same time and asked in turns, so that a noisy neighbour hits both.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

from bench.figures import Figure
from bench.plans import SIZE
from devtools.databases import KINDS, Kind
from devtools.history import Size, order_id
from devtools.plans import database_with
from devtools.scratch import NOW
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore

SMALL = Size(finished=0, queued=1000, files=1000)
CLAIMS = 900
"""The small books hold a thousand."""
COUNTS = 900
WARM_UP = 50
LATER = NOW + timedelta(hours=1)
Ask = Callable[[SqlStore, int], Awaitable[object]]


async def measure() -> list[Figure]:
    return [figure for kind in KINDS for figure in await _measure_on(kind)]


async def _measure_on(kind: Kind) -> list[Figure]:
    async with AsyncExitStack() as stack:
        small, large = [await _opened(stack, kind, size) for size in (SMALL, SIZE)]
        claims = await _in_turns(small, large, lambda store, _: store.claim_next(now=LATER), CLAIMS)
        counts = await _in_turns(small, large, lambda store, n: store.count_files(order_id(n % 10)), COUNTS)
    return [_figure("claim", kind, *claims), _figure("order status", kind, *counts)]


async def _opened(stack: AsyncExitStack, kind: Kind, size: Size) -> SqlStore:
    store = await open_store(await stack.enter_async_context(database_with(kind, size)))
    stack.push_async_callback(store.close)
    return store


async def _in_turns(small: SqlStore, large: SqlStore, ask: Ask, times: int) -> tuple[float, float]:
    """The p99 of both, in seconds."""
    seconds: dict[int, list[float]] = {id(small): [], id(large): []}
    for number in range(times):
        for store in (small, large) if number % 2 else (large, small):
            seconds[id(store)].append(await _seconds(ask(store, number)))
    return _p99(seconds[id(small)][WARM_UP:]), _p99(seconds[id(large)][WARM_UP:])


def _figure(name: str, kind: Kind, small: float, large: float) -> Figure:
    return Figure(
        promise=18,
        what=f"{name} p99, {kind}, {SIZE.finished:,} finished + {SIZE.queued:,} queued / 1,000",
        measured=large / small,
        target=1.5,
        unit="x",
        facts={"large_ms": large * 1000, "small_ms": small * 1000},
    )


async def _seconds(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99) - 1]
