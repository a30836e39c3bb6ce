"""The store on SQLite: beside the database lie the files by which consumers tell that they live."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.holders.files import HolderFiles
from editqueue.adapters.job_store.statements import overviews, take_over
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.jobs import EditJob
from editqueue.ports.consumers import LivingConsumer
from editqueue.ports.job_store import Schema
from editqueue.ports.overview import Overview


class SqliteStore(SqlStore):
    """`JobStore` on SQLite."""

    def __init__(
        self,
        database: SqliteDatabase,
        holders: HolderFiles,
        *,
        schema: Schema | None = None,
        traceparent: TraceParent | None = None,
    ) -> None:
        super().__init__(database, schema=schema, traceparent=traceparent)
        self._holders = holders

    async def gone_holders(self) -> Sequence[str]:
        """Of those that have jobs. Others, of consumers that have ended well, are forgotten by the way."""
        with self._holders.locked(await self._holders.gone()) as free:
            if not free:
                return []
            found = await self.send(take_over.jobs_of(free))
            busy = {job.holder for job in found}
            if len(found) < take_over.MOST_JOBS:
                self._forget(name for name in free if name not in busy)
            return [name for name in free if name in busy]

    async def take_over(
        self, holders: Sequence[str], *, max_retries: int, message: str, now: datetime
    ) -> Sequence[EditJob]:
        """While their files are locked by us: if we die meanwhile, they are unlocked, and the next one takes over."""
        with self._holders.locked(holders) as free:
            if not free:
                return []
            found = await self.send(take_over.jobs_of(free))
            taken: Sequence[EditJob] = []
            if found:
                taken = await self.send(take_over.take_over(found, max_retries=max_retries, message=message, now=now))
            if len(found) < take_over.MOST_JOBS:
                self._forget(free)
            return taken

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self._holders.remove(name)

    async def living_consumers(self) -> Sequence[LivingConsumer]:
        names = await self._holders.living()
        return await self.send(take_over.running_of(names))

    async def overview(self, *, now: datetime) -> Overview:
        names = await self._holders.living()
        group = overviews.overview(now=now, consumers=names, known_locks=self._lock_looks.known(now))
        return await self._see(group, now)
