"""Promise 19: submit-edits takes the same few statements, and no longer per file, however many files."""

import time

from bench.figures import Figure, middle
from bench.scratch import NOW, USER, CountingDatabase, add_files, add_order, scratch_database
from editqueue.adapters.job_store import SqlStore

ROUNDS = 15


async def measure() -> list[Figure]:
    async with scratch_database() as database:
        ratios = [await _ratio(database) for _ in range(ROUNDS)]
        store = SqlStore(database)
        order_id = await add_order(store)
        ids = await add_files(database, order_id, 100)
        database.statements = 0
        await _submit(store, order_id, ids)
        statements = database.statements
    ratio, spread = middle(ratios)
    return [
        Figure(promise=19, what="submit-edits, 100 files: SQL statements", measured=statements, target=6, unit=""),
        Figure(
            promise=19,
            what="submit-edits, time per file: 1,000 files / 100 files",
            measured=ratio,
            target=1.2,
            unit="x",
            spread=spread,
        ),
    ]


async def _ratio(database: CountingDatabase) -> float:
    """Both sizes close together, so that a noisy neighbour hits both."""
    small = [await _seconds_per_file(database, 100) for _ in range(3)]
    large = await _seconds_per_file(database, 1000)
    return large / sorted(small)[1]


async def _seconds_per_file(database: CountingDatabase, count: int) -> float:
    store = SqlStore(database)
    order_id = await add_order(store)
    ids = await add_files(database, order_id, count)
    started = time.perf_counter()
    await _submit(store, order_id, ids)
    return (time.perf_counter() - started) / count


async def _submit(store: SqlStore, order_id: str, ids: list[str]) -> None:
    _, _, made = await store.submit(ids, order_id=order_id, user_id=USER, express=False, notes=None, now=NOW)
    assert len(made) == len(ids)
