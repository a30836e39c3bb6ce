"""A worker that only moves jobs: python -m tests.reliability.claiming_consumer DATABASE_URL. Prints what it ran."""

import asyncio
import random
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from editqueue.adapters.job_store import open_store
from editqueue.use_cases.process_job import process_next
from tests.fakes import FakeImages, make_ports


class NoBucket:
    """Copies and writes at no cost."""

    name = "piximmo-media"

    async def copy(self, source: str, target: str) -> int:
        return 1

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        pass


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


async def main(url: str) -> None:
    bucket: Any = NoBucket()
    images = FakeImages()
    store = await open_store(url)
    with TemporaryDirectory() as folder:
        async with make_ports(Path(folder)) as world:
            ports = replace(
                world.ports,
                store=store,
                bucket=bucket,
                images=images,
                clock=RealClock(),
                chance=random.random,
                pause=asyncio.sleep,
            )
            while (outcome := await process_next(ports)) is not None:
                sys.stdout.write(f"{outcome.job_id} {outcome.result}\n")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
