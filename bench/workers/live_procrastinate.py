"""A procrastinate worker with its own defaults, whose jobs only take time; until SIGTERM.

Arguments: database URL, where to write down its jobs, jobs at a time, seconds a job takes, seconds after which a
silent worker counts as gone.
"""

import asyncio
import logging
import sys
from pathlib import Path

from procrastinate import App, PsycopgConnector

from bench.records import Recorder


async def main(url: str, record: str, at_a_time: int, job_seconds: float, lease_seconds: float) -> None:
    recorder = Recorder(record)
    app = App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=at_a_time + 3))

    @app.task(name="noop")
    async def noop(number: int) -> None:  # pyright: ignore[reportUnusedFunction]  # found by its name
        recorder.write("began", number)
        if job_seconds:
            await asyncio.sleep(job_seconds)
        recorder.write("ran", number)

    with Path(f"{record}.log").open("a") as log:  # noqa: ASYNC230  # before anything is measured
        logging.basicConfig(stream=log, level=logging.INFO)
        async with app.open_async():
            await app.run_worker_async(
                concurrency=at_a_time,
                update_heartbeat_interval=min(10.0, lease_seconds / 3),
                stalled_worker_timeout=min(30.0, lease_seconds),
            )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])))
