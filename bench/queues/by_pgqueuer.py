"""pgqueuer with its own driver, tables and worker."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pgqueuer.queries import Queries
from pgqueuer.types import JobId

from bench.pgqueuer_app import connect, enqueue
from bench.queues.queue import Command, Work


@dataclass(frozen=True, kw_only=True, slots=True)
class PgqueuerQueue:
    queries: Queries
    url: str
    name: str = "pgqueuer"
    ids: dict[int, int] = field(default_factory=dict[int, int])
    """Its own id of each job number."""

    async def submit(self, numbers: Sequence[int]) -> None:
        made = await enqueue(self.queries, list(numbers))
        self.ids.update(zip(numbers, made, strict=True))

    async def look(self, number: int) -> None:
        await self.queries.job_status([JobId(self.ids[number])])

    async def rescue(self, lease_seconds: float) -> None:
        """Its workers take over jobs without a heartbeat by themselves."""

    def worker(self, work: Work) -> Command:
        arguments = (self.url, work.record, work.at_a_time, work.job_seconds, work.lease_seconds)
        return Command(module="live_pgqueuer", arguments=[str(one) for one in arguments])


@asynccontextmanager
async def pgqueuer_queue(url: str) -> AsyncGenerator[PgqueuerQueue]:
    """On an empty database."""
    connection = await connect(url)
    try:
        queries = Queries.from_asyncpg_connection(connection)
        await queries.install()
        yield PgqueuerQueue(queries=queries, url=url)
    finally:
        await connection.close(timeout=5)
