"""A consumer of ours with its real wiring, whose copy and preview only take time; until SIGTERM.

The environment tells it the settings. Arguments: where to write down its jobs, seconds a job takes, seconds after
which a job counts as stale.
"""

import asyncio
import signal
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.queues.ours import number_of
from bench.records import Recorder
from bench.workers.noop_ports import NoopBucket, NoopImages
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.entrypoints.commands.consuming import make_consumer
from editqueue.ports import Limits
from editqueue.ports.bucket import ObjectInfo
from editqueue.ports.image_tools import Preview
from editqueue.ports.job_store import Claim, JobStore
from editqueue.settings import load_settings
from editqueue.wiring.server import open_server


class RecordedStore:
    """Writes down what was asked for and what has ended."""

    def __init__(self, inner: JobStore, recorder: Recorder) -> None:
        self._inner = inner
        self._recorder = recorder

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def claim_next(self, **asked: Any) -> Claim | None:
        started = time.perf_counter()
        claim = await self._inner.claim_next(**asked)
        number = -1 if claim is None else number_of(claim.file.id)
        self._recorder.write("asked", number, time.perf_counter() - started)
        return claim

    async def finish(self, claim: Claim, **result: Any) -> None:
        started = time.perf_counter()
        await self._inner.finish(claim, **result)
        self._recorder.write("ended", number_of(claim.file.id), time.perf_counter() - started)


class RecordedBucket(NoopBucket):
    """The first thing that a job does is to look at its original."""

    def __init__(self, recorder: Recorder, *, signer: UrlSigner) -> None:
        super().__init__(signer=signer)
        self._recorder = recorder

    async def head(self, key: str) -> ObjectInfo:
        self._recorder.write("began", _number(key))
        return await super().head(key)


class SlowImages(NoopImages):
    """The last thing that takes time."""

    def __init__(self, recorder: Recorder, seconds: float) -> None:
        self._recorder = recorder
        self._seconds = seconds

    async def make_preview(self, key: str) -> Preview:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        self._recorder.write("ran", _number(key))
        return await super().make_preview(key)


def _number(key: str) -> int:
    return number_of(Path(key).stem)


async def main(record: str, job_seconds: float, lease_seconds: float) -> None:
    settings, recorder, stop = load_settings(), Recorder(record), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with Path(f"{record}.log").open("a") as log:  # noqa: ASYNC230  # before anything is measured
        async with open_server(settings, log=log) as server:
            ports = server.ports
            limits = Limits(
                job_timeout=timedelta(seconds=lease_seconds / 2), stale_after=timedelta(seconds=lease_seconds)
            )
            recorded = replace(
                ports,
                store=RecordedStore(ports.store, recorder),  # pyright: ignore[reportArgumentType]  # the rest by name
                bucket=RecordedBucket(recorder, signer=UrlSigner(secret="0" * 32, clock=ports.clock)),
                images=SlowImages(recorder, job_seconds),
                limits=limits,
            )
            consumer = make_consumer(replace(server, ports=recorded), settings, stop)
            await replace(consumer, sweep_interval=timedelta(seconds=min(120, lease_seconds / 4))).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
