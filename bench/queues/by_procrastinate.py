"""procrastinate with its own connector, tables and worker."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from procrastinate import App
from procrastinate.types import JSONDict

from bench.procrastinate_app import make_app
from bench.queues.queue import Command, Work


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcrastinateQueue:
    app: App
    url: str
    name: str = "procrastinate"
    ids: dict[int, int] = field(default_factory=dict[int, int])
    """Its own id of each job number."""

    async def submit(self, numbers: Sequence[int]) -> None:
        calls: list[JSONDict] = [{"number": number} for number in numbers]
        made = await self.app.configure_task("noop").batch_defer_async(*calls)
        self.ids.update(zip(numbers, made, strict=True))

    async def look(self, number: int) -> None:
        await self.app.job_manager.get_job_status_async(self.ids[number])

    async def rescue(self, lease_seconds: float) -> None:
        """As its guide on stalled jobs says."""
        for job in await self.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=lease_seconds):
            await self.app.job_manager.retry_job(job)

    def worker(self, work: Work) -> Command:
        arguments = (self.url, work.record, work.at_a_time, work.job_seconds, work.lease_seconds)
        return Command(module="live_procrastinate", arguments=[str(one) for one in arguments])


@asynccontextmanager
async def procrastinate_queue(url: str) -> AsyncGenerator[ProcrastinateQueue]:
    """On an empty database."""
    app = make_app(url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        yield ProcrastinateQueue(app=app, url=url)
