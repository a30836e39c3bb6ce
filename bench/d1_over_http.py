"""What a job costs on D1's HTTP API 30 ms away: `python -m bench.d1_over_http`.

Claim and finish alone, with nothing done in between, on SQLite behind the stand-in of the API. So it is the round trips
that are measured, and not D1, whose own time comes on top.
"""

import asyncio
import json
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bench.far_away import ROUND_TRIP_MS
from devtools.cloudflare_queue.d1 import D1Api, d1_api, sqlite_d1
from devtools.databases import sqlite_path
from devtools.seeds import NOON, URL, seed_files, seed_order, submit
from editqueue.adapters.job_store.opening.open_d1 import open_d1_store
from editqueue.ports.job_store import JobStore

JOBS = 200
AT_A_TIME = (1, 4, 8)
REQUESTS, WINDOW = 1200, 300
"""Of one token in so many seconds (developers.cloudflare.com/fundamentals/api/reference/limits)."""


@asynccontextmanager
async def far_port(port: int) -> AsyncGenerator[int]:
    """`port`, with 30 ms more to every round trip."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.latency_proxy", str(port), str(ROUND_TRIP_MS / 2), "60"), stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())["port"]
    finally:
        process.kill()
        await process.wait()


async def work(store: JobStore) -> None:
    while (taken := await store.claim_next(now=NOON)) is not None:
        await store.finish(taken, preview_url=URL, bytes_copied=1, now=NOON)


async def measure(api: D1Api, at_a_time: int) -> None:
    near = await open_d1_store(api.access)
    await submit(near, await seed_files(near, await seed_order(near), JOBS))
    await near.close()
    async with far_port(api.port) as port:
        far = await open_d1_store(replace(api.access, base_url=f"http://127.0.0.1:{port}/client/v4"))
        await far.probe()  # the connection is there
        before, began = len(api.batches), time.monotonic()
        await asyncio.gather(*[work(far) for _ in range(at_a_time)])
        seconds = time.monotonic() - began
        requests = (len(api.batches) - before - at_a_time) / JOBS  # the last claim of each finds nothing
        await far.close()
    allowed = REQUESTS / requests / (WINDOW / 60)
    sys.stdout.write(
        f"{at_a_time} at a time: {JOBS / seconds:.1f} jobs/s, {1000 * seconds * at_a_time / JOBS:.0f} ms a job, "
        f"{requests:.2f} requests a job; a token allows {allowed:.0f} jobs a minute\n"
    )


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sqlite_d1(sqlite_path(Path(folder))) as behind:
        async with d1_api(behind) as api:
            for at_a_time in AT_A_TIME:
                await measure(api, at_a_time)


if __name__ == "__main__":
    asyncio.run(main())
