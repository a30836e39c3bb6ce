"""A consumer that kills itself at a step: python -m tests.reliability.crashing_consumer FOLDER STEP [TROUBLE]."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from editqueue.adapters.bucket.local import LocalBucket
from editqueue.domain.errors import BrokenPicture, StorageUnavailable
from editqueue.entrypoints.consumer import Consumer
from tests.fakes import World, make_ports
from tests.reliability.steps import Steps

TROUBLES: dict[str, Exception] = {"broken": BrokenPicture("kaputt"), "away": StorageUnavailable("503")}
"""What may be wrong with every picture."""


async def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def local_bucket(world: World, folder: Path) -> LocalBucket:
    (folder / "bucket").mkdir(exist_ok=True)
    return LocalBucket(folder / "bucket", signer=world.signer)


async def main(folder: Path, step: int, trouble: str = "") -> None:
    async with make_ports(folder) as world:
        world.images.error = TROUBLES.get(trouble)
        ports = Steps(step, _die).around(world.ports, local_bucket(world, folder))
        await Consumer(ports=ports, sweep_interval=timedelta(hours=1)).drain()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
