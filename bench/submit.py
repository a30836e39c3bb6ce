"""Promise 19: submit-edits takes the same few statements, and no longer per file, however many files."""

import time

from bench.figures import Figure, middle
from devtools.scratch import NOW, USER, CountingDatabase, add_files, add_order, scratch_database
from editqueue.adapters.job_store.store.sql_store import SqlStore

ROUNDS = 25


async def measure() -> list[Figure]:
    async with scratch_database() as database:
        ratios = [await _ratio(database) for _ in range(ROUNDS)]
        store = SqlStore(database)
        order_id = await add_order(store)
        ids = await add_files(database, order_id, 100)
        database.statements = 0
        await _submit(store, order_id, ids)
        statements = database.statements
    ratio, spread = middle([one[0] for one in ratios])
    cpu, cpu_spread = middle([one[1] for one in ratios])
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
        Figure(
            promise=19,
            what="submit-edits, CPU per file: 1,000 files / 100 files",
            measured=cpu,
            unit="x",
            spread=cpu_spread,
        ),
    ]


async def _ratio(database: CountingDatabase) -> tuple[float, float]:
    """Of time and of CPU. A thousand files either way, so that a noisy neighbour has as long to meddle with both."""
    small = [await _cost(database, 100) for _ in range(10)]
    large = await _cost(database, 1000)
    return large[0] / sum(one[0] for one in small), large[1] / sum(one[1] for one in small)


async def _cost(database: CountingDatabase, count: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU; SQLite works in a thread of this process."""
    store = SqlStore(database)
    order_id = await add_order(store)
    ids = await add_files(database, order_id, count)
    started, used = time.perf_counter(), time.process_time()
    await _submit(store, order_id, ids)
    return time.perf_counter() - started, time.process_time() - used


async def _submit(store: SqlStore, order_id: str, ids: list[str]) -> None:
    made = await store.submit(ids, order_id=order_id, user_id=USER, express=False, notes=None, now=NOW)
    assert len(made.new) == len(ids)
