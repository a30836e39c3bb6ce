"""A pgqueuer worker with its own defaults, whose jobs only take time; until SIGTERM.

Arguments: database URL, where to write down its jobs, jobs at a time, seconds a job takes, seconds after which a job
without a heartbeat is given to another worker.
"""

import asyncio
import logging
import signal
import sys
from datetime import timedelta
from pathlib import Path

from pgqueuer import PgQueuer
from pgqueuer.models import Job

from bench.pgqueuer_app import ENTRYPOINT, connect
from bench.records import Recorder


async def main(url: str, record: str, at_a_time: int, job_seconds: float, lease_seconds: float) -> None:
    recorder = Recorder(record)
    with Path(f"{record}.log").open("a") as log:  # noqa: ASYNC230  # before anything is measured
        logging.basicConfig(stream=log, level=logging.INFO)
        connection = await connect(url)
        app = PgQueuer.from_asyncpg_connection(connection)

        @app.entrypoint(ENTRYPOINT)
        async def noop(job: Job) -> None:  # pyright: ignore[reportUnusedFunction]  # found by its name
            number = int(job.payload or b"")
            recorder.write("began", number)
            if job_seconds:
                await asyncio.sleep(job_seconds)
            recorder.write("ran", number)

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, app.shutdown.set)
        batch = max(1, at_a_time // 2)  # it wants room for two batches
        await app.run(
            batch_size=batch,
            max_concurrent_tasks=2 * batch,
            heartbeat_timeout=timedelta(seconds=min(30.0, lease_seconds)),
            shutdown_on_listener_failure=True,
        )
        await connection.close(timeout=5)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])))
