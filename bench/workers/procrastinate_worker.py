"""A procrastinate worker whose jobs do nothing, logging as its command line does.

Arguments: database URL, concurrency, "apply" to make its tables or a number of jobs to defer first.
"""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path

from procrastinate import App, PsycopgConnector

from bench.workers.protocol import Report, when_told

ended: list[float] = []


async def noop(number: int) -> None:
    del number
    ended.append(time.time())


async def main(url: str, concurrency: int) -> None:
    app = App(connector=PsycopgConnector(conninfo=url, min_size=concurrency, max_size=concurrency + 2))
    app.task(name="noop")(noop)
    with Path(os.devnull).open("w") as log:  # noqa: ASYNC230  # before anything is measured
        logging.basicConfig(stream=log, level=logging.INFO)
        async with app.open_async():
            await app.job_manager.list_queues_async()

            async def work() -> Report:
                started = time.time()
                await app.run_worker_async(concurrency=concurrency, wait=False, listen_notify=False)
                return {"started": started, "ended": time.time(), "done": len(ended), "claims": []}

            await when_told(work)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
