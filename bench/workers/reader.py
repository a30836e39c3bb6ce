"""Reads the state of a job or order again and again, at a steady rate, while it is told to.

Arguments: name of the queue, database URL, reads a second. A line on stdin starts it, the next one ends that, and so
on; at each end it prints one line of JSON: how many reads, and the p99 of their milliseconds.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

from pgqueuer.queries import Queries
from pgqueuer.types import JobId

from bench.pgqueuer_app import connect
from bench.procrastinate_app import make_app
from editqueue.adapters.job_store.opening.open_store import open_store

Ask = Callable[[], Awaitable[object]]
AT_ONCE = 4


async def _ours(url: str) -> Ask:
    store = await open_store(url)
    return lambda: store.count_files("new-order-0")


async def _procrastinate(url: str) -> Ask:
    app = make_app(url, connections=AT_ONCE)
    await app.open_async()
    return lambda: app.job_manager.get_job_status_async(1)


async def _pgqueuer(url: str) -> Ask:
    queries = Queries.from_asyncpg_connection(await connect(url))
    return lambda: queries.job_status([JobId(1)])


OPEN = {"ours": _ours, "procrastinate": _procrastinate, "pgqueuer": _pgqueuer}


async def _read(ask: Ask, rate: float, took: list[float]) -> None:
    due = time.perf_counter()
    while True:
        started = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - started)
        due = max(due + 1 / rate, started)
        await asyncio.sleep(max(0, due - time.perf_counter()))


async def main(name: str, url: str, rate: float) -> None:
    ask = await OPEN[name](url)
    await ask()
    print(json.dumps({"ready": True}), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        took: list[float] = []
        readers = [asyncio.create_task(_read(ask, rate / AT_ONCE, took)) for _ in range(AT_ONCE)]
        await asyncio.to_thread(sys.stdin.readline)
        for one in readers:
            one.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        print(json.dumps({"reads": len(took), "p99_ms": sorted(took)[int(len(took) * 0.99) - 1] * 1000}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
