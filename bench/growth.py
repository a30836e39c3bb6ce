"""Promise 18 on SQLite: claims and counts cost the same on a million finished jobs as on a thousand."""

import os
import time
from collections.abc import Awaitable, Mapping

from sqlalchemy import insert

from bench.figures import Figure
from bench.scratch import NOW, USER, CountingDatabase, add_files, add_order, scratch_database
from editqueue.adapters.job_store import SqlStore
from editqueue.adapters.job_store.schema import jobs
from editqueue.domain.ids import new_id

FINISHED = int(os.environ.get("EDITQUEUE_BENCH_FINISHED", "1000000"))
QUEUED = 10_000
CLAIMS = 300
PER_FILE = 100
"""Finished jobs of one file: a million of them need only ten thousand files."""


async def measure() -> list[Figure]:
    small = await _cost(finished=0, queued=1000)
    large = await _cost(finished=FINISHED, queued=QUEUED)
    names = ("claim p99", "order status p99")
    return [
        Figure(
            promise=18,
            what=f"{name}, SQLite: {FINISHED:,} finished + {QUEUED:,} queued / 1,000",
            measured=big / little,
            target=1.5,
            unit="x",
        )
        for name, little, big in zip(names, small, large, strict=True)
    ]


async def _cost(*, finished: int, queued: int) -> tuple[float, float]:
    async with scratch_database() as database:
        store = SqlStore(database)
        if finished:
            await _add_finished(database, store, finished)
        order_ids = [await _submit_order(database, store) for _ in range(queued // 100)]
        claims = [await _seconds(store.claim_next(now=NOW)) for _ in range(CLAIMS)]
        counts = [await _seconds(store.count_files(order_ids[n % len(order_ids)])) for n in range(CLAIMS)]
    return _p99(claims), _p99(counts)


async def _submit_order(database: CountingDatabase, store: SqlStore) -> str:
    order_id = await add_order(store)
    ids = await add_files(database, order_id, 100)
    await store.submit(ids, order_id=order_id, user_id=USER, express=False, notes=None, now=NOW)
    return order_id


async def _add_finished(database: CountingDatabase, store: SqlStore, count: int) -> None:
    order_id = await add_order(store)
    ids = await add_files(database, order_id, max(count // PER_FILE, 1), status="done")
    moment = round(NOW.timestamp() * 1000)
    for start in range(0, count, 1000):
        rows = [_finished_job(ids[n % len(ids)], order_id, moment) for n in range(start, start + 1000)]
        await database.run(insert(jobs).values(rows))


def _finished_job(file_id: str, order_id: str, moment: int) -> Mapping[str, object]:
    times = dict.fromkeys(("created_at", "run_after", "turn", "started_at", "finished_at"), moment)
    ids = {"id": new_id(), "file_id": file_id, "order_id": order_id, "user_id": USER}
    return ids | times | {"status": "done", "attempts": 1, "token": "t", "express": False, "bytes_copied": 1}


async def _seconds(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99) - 1]
