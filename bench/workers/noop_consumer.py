"""A consumer of ours whose jobs do nothing: the state machine alone, journal included.

Arguments: database URL, concurrency.
"""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.workers.protocol import Report, when_told
from bench.workers.timed_journal import TimedJournal
from devtools.memory_bucket import MemoryBucket
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.job_queue.none import NoQueue
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.journal.background_output import BackgroundOutput
from editqueue.adapters.journal.metrics import Metrics
from editqueue.entrypoints.consumer import Consumer
from editqueue.ports import Ports
from editqueue.ports.bucket import ObjectInfo
from editqueue.ports.image_tools import Preview
from editqueue.ports.job_store import Claim
from editqueue.wiring.system_clock import SystemClock

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class TimedStore:
    """Takes the time of every claim."""

    def __init__(self, inner: SqlStore) -> None:
        self._inner = inner
        self.claims: list[float] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def claim_next(self, *, now: datetime) -> Claim | None:
        started = time.perf_counter()
        claim = await self._inner.claim_next(now=now)
        if claim is not None:
            self.claims.append(time.perf_counter() - started)
        return claim


class NoopBucket(MemoryBucket):
    async def head(self, key: str) -> ObjectInfo:
        return ObjectInfo(key=key, size=1, content_type="image/jpeg", last_modified=LONG_AGO)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        del source, target, etag

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        del key, body, content_type


class NoopImages:
    async def make_preview(self, key: str, *, etag: str | None = None) -> Preview:
        del key, etag
        return Preview(body=b"", width=1, height=1, source_format="jpeg", path="none")

    async def probe(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def main(url: str, concurrency: int) -> None:
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
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
