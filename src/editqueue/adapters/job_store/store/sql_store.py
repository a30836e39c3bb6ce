"""The JobStore on SQL: what each method sends to the database, and which of them decide something in between."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import wraps
from types import CoroutineType
from typing import Any, Concatenate, ParamSpec, TypeVar

from editqueue.adapters.job_store.databases.database import Database
from editqueue.adapters.job_store.statements import (
    attempts,
    cancel,
    changes,
    claim,
    ends,
    expiry,
    job_lists,
    overviews,
    pauses,
    queries,
    rescue,
    retries,
    submissions,
    traces,
    uploads,
)
from editqueue.adapters.job_store.statements.group import Group
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.store.lock_looks import LockLooks
from editqueue.domain.errors import ClaimLost
from editqueue.domain.files import FileStatus
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.ports.consumers import LivingConsumer
from editqueue.ports.job_store import Claim, Expiry, QueueStats, Schema
from editqueue.ports.overview import Overview

P = ParamSpec("P")
T = TypeVar("T")


def _sends(make: Callable[P, Group[T]]) -> "Callable[Concatenate[SqlStore, P], CoroutineType[Any, Any, T]]":
    """A method that sends the group which `make` builds of its arguments, and answers with what was read."""

    @wraps(make)
    async def method(store: "SqlStore", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await store.send(make(*args, **kwargs))

    return method


class SqlStore:
    """`JobStore` over any `Database`. With `traceparent`, jobs are made with the request that they come from, and
    claimed with it."""

    def __init__(
        self, database: Database, *, schema: Schema | None = None, traceparent: TraceParent | None = None
    ) -> None:
        self._database = database
        self.schema = schema
        self._knows_traces = schema is None or schema.revision >= traces.SINCE
        self._traceparent = traceparent if self._knows_traces else None
        self._lock_looks = LockLooks()

    @property
    def joins_traces(self) -> bool:
        """Whether jobs keep the request that they come from."""
        return self._traceparent is not None

    async def send(self, group: Group[T]) -> T:
        """Every group goes through here; see `Database.run` for the errors."""
        if self._traceparent is not None:
            group = traces.joined(group, self._traceparent())
        return group.read(await self._database.run(*group.statements))

    async def probe(self) -> datetime:
        return await self._database.probe()

    async def close(self) -> None:
        await self._database.close()

    create_order = _sends(uploads.create_order)
    record_upload = _sends(uploads.record_upload)
    add_file = _sends(uploads.add_file)

    mark_files = _sends(changes.mark_files)
    rename_files = _sends(changes.rename_files)
    delete_files = _sends(changes.delete_files)
    approve_file = _sends(changes.approve_file)
    submit = _sends(submissions.submit)
    revise = _sends(submissions.revise)

    settle_expiry = _sends(expiry.settle_expiry)
    record_pause = _sends(pauses.record_pause)
    end_pause = _sends(pauses.end_pause)
    pauses = _sends(pauses.pauses)

    order = _sends(queries.order)
    upload = _sends(queries.upload)
    file_of_key = _sends(queries.file_of_key)
    files = _sends(queries.files)
    list_files = _sends(queries.list_files)
    count_files = _sends(queries.count_files)
    known_objects = _sends(queries.known_objects)
    notifications = _sends(queries.notifications)
    job = _sends(queries.job)
    job_story = _sends(attempts.job_story)
    jobs = _sends(job_lists.jobs)
    retry_jobs = _sends(retries.retry_jobs)
    cancel_job = _sends(cancel.cancel_job)
    has_work = _sends(queries.has_work)

    # What only databases of our own can tell ----
    async def gone_holders(self) -> Sequence[str]:
        return []

    async def take_over(
        self, holders: Sequence[str], *, max_retries: int, message: str, now: datetime
    ) -> Sequence[EditJob]:
        del holders, max_retries, message, now
        return []

    async def living_consumers(self) -> Sequence[LivingConsumer] | None:
        return None

    async def overview(self, *, now: datetime) -> Overview:
        group = overviews.overview(now=now, consumers=None, known_locks=self._lock_looks.known(now))
        return await self._see(group, now)

    stale_jobs = _sends(rescue.stale_jobs)

    # What knows of the last look for stale locks ----
    async def queue_stats(self, *, now: datetime) -> QueueStats:
        stats = await self.send(queries.queue_stats(now=now, known_locks=self._lock_looks.known(now)))
        self._lock_looks.learn(stats, now)
        return stats

    async def _see(self, group: Group[Overview], now: datetime) -> Overview:
        seen = await self.send(group)
        self._lock_looks.learn(seen.stats, now)
        return seen

    async def reset_stale_locks(self, *, now: datetime) -> Sequence[str]:
        self._lock_looks.forget()
        return await self.send(rescue.reset_stale_locks(now=now))

    # What is more where traces are on, or were ----
    async def claim_next(self, *, now: datetime, holder: str | None = None) -> Claim | None:
        return await self.send(claim.claim_next(now=now, holder=holder, traced=self.joins_traces))

    async def begin_expiry(
        self, *, finished_before: datetime, abandoned_before: datetime, limit: int, now: datetime
    ) -> Sequence[Expiry]:
        group = expiry.begin_expiry(
            finished_before=finished_before, abandoned_before=abandoned_before, limit=limit, now=now
        )
        return await self.send(
            traces.forgetting_old(group, made_before=finished_before) if self._knows_traces else group
        )

    # What needs two groups ----
    async def finish(self, claim: Claim, *, preview_url: str, bytes_copied: int, now: datetime) -> None:
        group = ends.finish(claim, preview_url=preview_url, bytes_copied=bytes_copied, now=now)
        await self._end(claim, "finish", self.send(group))

    async def fail(self, claim: Claim, *, error: str, message: str, file_status: FileStatus, now: datetime) -> None:
        group = ends.fail(claim, error=error, message=message, file_status=file_status, now=now)
        await self._end(claim, "fail", self.send(group))

    async def retry_later(self, claim: Claim, *, error: str, run_after: datetime, now: datetime) -> None:
        group = ends.retry_later(claim, error=error, run_after=run_after, now=now)
        await self._end(claim, "retry", self.send(group))

    async def release(self, claim: Claim, *, reason: str | None = None, now: datetime) -> None:
        await self._end(claim, "release", self.send(ends.release(claim, reason=reason, now=now)))

    async def _end(self, claim: Claim, verb: str, ending: Awaitable[bool]) -> None:
        """A try that came to nothing is no error if an earlier one did the same (decision 60)."""
        if not await ending and not await self.send(ends.stands(claim, verb)):
            raise ClaimLost(f"job {claim.job.id} was taken over; this worker's result is void")

    async def rescue(
        self, *, started_before: datetime, max_retries: int, message: str, now: datetime
    ) -> Sequence[EditJob]:
        stale = await self.stale_jobs(started_before=started_before)
        if not stale:
            return []
        return await self.send(
            rescue.take_back(stale, started_before=started_before, max_retries=max_retries, message=message, now=now)
        )

    async def retry_job(self, job_id: str, *, now: datetime) -> EditJob | None:
        job = await self.job(job_id)
        if job is None or job.status is not JobStatus.FAILED:  # for good: a failed job never changes again
            return None
        return (await self.send(submissions.retry(job, now=now))).job
