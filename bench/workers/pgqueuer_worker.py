"""A pgqueuer worker that works until the queue is empty and whose jobs do nothing, logging as its command line does.

Arguments: database URL, jobs at a time.
"""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path

from pgqueuer.types import QueueExecutionMode

from bench.pgqueuer_app import connect, ended, make_pgqueuer
from bench.workers.protocol import Report, when_told


async def main(url: str, at_a_time: int) -> None:
    with Path(os.devnull).open("w") as log:  # noqa: ASYNC230  # before anything is measured
        logging.basicConfig(stream=log, level=logging.INFO)
        connection = await connect(url)
        app = make_pgqueuer(connection)

        async def work() -> Report:
            started = time.time()
            # It claims a batch at a time, and wants room for two: more than we allow ourselves, in its favour.
            await app.qm.run(mode=QueueExecutionMode.drain, batch_size=at_a_time, max_concurrent_tasks=2 * at_a_time)
            return {"started": started, "ended": max(ended, default=started), "done": len(ended), "claims": []}

        await when_told(work)
        await connection.close(timeout=5)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
