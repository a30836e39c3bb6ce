"""Our own queue: the real use case with the real wiring. File number N is job number N."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.queues.queue import JOBS_AT_ONCE, Command, Work
from bench.seeding import SUBMITTER, add_marked_files, marked_file, marked_order
from devtools.environment import environment
from devtools.memory_bucket import MemoryBucket
from editqueue.adapters.bucket.local.marker import mark
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.domain.errors import SetupError
from editqueue.ports import Ports
from editqueue.settings import Settings, load_settings
from editqueue.use_cases.customer.submit_edits import submit_edits
from editqueue.wiring.server import open_server
from editqueue.wiring.system_clock import SystemClock

PREFIX = "new-"
"""Of the ids of our files."""


class UnknownQueue(Exception):
    """This version has no such EDITQUEUE_QUEUE."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OurQueue:
    ports: Ports
    url: str
    settings: Mapping[str, str]
    name: str = "ours"

    async def submit(self, numbers: Sequence[int]) -> None:
        await submit_edits(
            [_file(number) for number in numbers],
            order_id=_order(numbers[0]),
            user_id=SUBMITTER,
            express=False,
            notes=None,
            ports=self.ports,
        )

    async def look(self, number: int) -> None:
        await self.ports.store.count_files(_order(number))

    async def rescue(self, lease_seconds: float) -> None:
        """Consumers do it by themselves."""

    def worker(self, work: Work) -> Command:
        return Command(
            module="live_consumer",
            arguments=[str(work.record), str(work.job_seconds), str(work.lease_seconds)],
            environment={**self.settings, "EDITQUEUE_CONCURRENCY": str(work.at_a_time)},
        )


@asynccontextmanager
async def our_queue(
    url: str, folder: Path, *, files: int, name: str = "ours", queue: str | None = None
) -> AsyncGenerator[OurQueue]:
    """On an empty database of ours, with so many files that can be submitted; `queue` is EDITQUEUE_QUEUE.

    Raises UnknownQueue.
    """
    add_marked_files(url, orders=-(-files // JOBS_AT_ONCE), prefix=PREFIX)
    settings = {"EDITQUEUE_DATABASE_URL": url, "EDITQUEUE_DATA_DIR": str(folder), "JWT_SECRET": "s" * 32}
    if queue is not None:
        settings["EDITQUEUE_QUEUE"] = queue
    mark(folder / "bucket")  # the files have no objects, and need none
    with environment(settings), (folder / "submits.log").open("w") as log:
        async with open_server(_loaded(), log=log) as server:
            bucket = MemoryBucket(signer=UrlSigner(secret="0" * 32, clock=SystemClock()))
            yield OurQueue(ports=replace(server.ports, bucket=bucket), url=url, settings=settings, name=name)


def _loaded() -> Settings:
    try:
        return load_settings()
    except SetupError as error:
        if str(error).startswith("EDITQUEUE_QUEUE:"):
            raise UnknownQueue(str(error)) from error
        raise


def number_of(file_id: str) -> int:
    """The job number of a file that was made here."""
    return int(file_id.removeprefix(PREFIX))


def _file(number: int) -> str:
    return marked_file(PREFIX, number)


def _order(number: int) -> str:
    return marked_order(PREFIX, number // JOBS_AT_ONCE)
