"""A consumer of ours whose jobs do nothing: the state machine alone, journal included.

Arguments: database URL, concurrency, and if it is not to work until the queue is empty, for how many seconds.
"""

import asyncio
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.workers.noop_ports import NoopBucket, NoopImages
from bench.workers.protocol import Report, when_told
from bench.workers.timed_journal import TimedJournal
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.job_queue.none import NoQueue
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.journal.background_output import BackgroundOutput
from editqueue.adapters.journal.metrics import Metrics
from editqueue.entrypoints.consumer import Consumer
from editqueue.ports import Ports
from editqueue.ports.job_store import Claim
from editqueue.wiring.system_clock import SystemClock

FOREVER = 24 * 3600.0


class TimedStore:
    """Takes the time of every claim."""

    def __init__(self, inner: SqlStore) -> None:
        self._inner = inner
        self.claims: list[float] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def claim_next(self, **asked: Any) -> Claim | None:
        started = time.perf_counter()
        claim = await self._inner.claim_next(**asked)
        if claim is not None:
            self.claims.append(time.perf_counter() - started)
        return claim


async def main(url: str, concurrency: int, seconds: float) -> None:
    store = await open_store(url)
    await store.has_work()
    with Path(os.devnull).open("w") as log:  # noqa: ASYNC230  # before anything is measured
        journal = TimedJournal(Metrics(), BackgroundOutput(log.fileno()))
        timed = TimedStore(store)
        consumer = Consumer(
            ports=_ports(timed, journal), sweep_interval=timedelta(seconds=120), concurrency=concurrency
        )

        async def work() -> Report:
            started = time.time()
            asyncio.get_running_loop().call_later(seconds, consumer.stop.set)
            await consumer.drain()
            return {"started": started, "ended": journal.last, "done": journal.done, "claims": timed.claims}

        await when_told(work)
    await store.close()


def _ports(store: TimedStore, journal: TimedJournal) -> Ports:
    clock = SystemClock()
    return Ports(
        store=store,  # pyright: ignore[reportArgumentType]  # it passes everything else on by name
        bucket=NoopBucket(signer=UrlSigner(secret="0" * 32, clock=clock)),
        queue=NoQueue(idle_poll=timedelta(seconds=1)),
        images=NoopImages(),
        clock=clock,
        chance=lambda: 0.5,
        journal=journal,
        pause=asyncio.sleep,
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else FOREVER))
