"""A procrastinate worker whose jobs do nothing, logging as its command line does.

Arguments: database URL, concurrency.
"""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path

from bench.procrastinate_app import ended, make_app
from bench.workers.protocol import Report, when_told


async def main(url: str, concurrency: int) -> None:
    app = make_app(url, connections=concurrency)
    with Path(os.devnull).open("w") as log:  # noqa: ASYNC230  # before anything is measured
        logging.basicConfig(stream=log, level=logging.INFO)
        async with app.open_async():
            await app.job_manager.list_queues_async()

            async def work() -> Report:
                started = time.time()
                await app.run_worker_async(concurrency=concurrency, wait=False, listen_notify=False)
                return {"started": started, "ended": time.time(), "done": len(ended), "claims": []}

            await when_told(work)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
