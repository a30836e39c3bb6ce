"""The store on PostgreSQL: claim and finish, the two transitions of every job, each in one round trip.

The same guards as in statements/ends.py, in PostgreSQL's own words: one statement may write several tables there, and
take several jobs at once for workers that ask at the same time. The contract suite holds both.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import text

from editqueue.adapters.job_store.databases.database import Database
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.statements import overviews, rescue, take_over
from editqueue.adapters.job_store.statements.claim import UNSURE_FOR
from editqueue.adapters.job_store.statements.claim_on_postgres import claim_up_to, give_back, in_order, to_claim
from editqueue.adapters.job_store.statements.counts import adding_up_counts
from editqueue.adapters.job_store.statements.ends import token_of_end
from editqueue.adapters.job_store.statements.group import Group, T
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.statements.wake_ups import notifying
from editqueue.adapters.job_store.store.batcher import Batcher
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.job_store.store.starting_points import Start, StartingPoints
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.jobs import EditJob
from editqueue.domain.messages import EDIT_DONE
from editqueue.ports.consumers import LivingConsumer
from editqueue.ports.job_store import Claim, JobOfFile, Revision, Schema, Submission
from editqueue.ports.overview import Overview

# The files are held first, all of them and by id, before any job is touched: the order in which every group takes its
# rows (decision 20). An uncorrelated subquery is run to its end before the first row of the UPDATE that asks for it.
# COALESCE keeps the planner from walking the partial index of all running jobs instead of looking up the given ones,
# the array from walking the primary key while jobs are few: it takes a recordset for 100 rows, but an array for ten.
FINISH = """
WITH given AS (
    SELECT *
    FROM json_to_recordset(CAST(:given AS json)) AS given(
        job_id text, file_id text, claim_token text, token text, note_id text, preview_url text, bytes_copied bigint,
        moment bigint
    )
), held AS (
    SELECT files.id, files.name FROM files WHERE files.id = ANY (ARRAY(SELECT given.file_id FROM given))
    ORDER BY files.id
    FOR UPDATE
), ended AS (
    UPDATE edit_jobs
    SET status = 'done', token = given.token, finished_at = given.moment, error = NULL,
        bytes_copied = given.bytes_copied
    FROM given
    WHERE edit_jobs.id = given.job_id AND edit_jobs.id = ANY (ARRAY(SELECT given.job_id FROM given))
      AND COALESCE(edit_jobs.status, '') = 'in_progress'
      AND edit_jobs.token = given.claim_token
      AND edit_jobs.file_id = ANY (ARRAY(SELECT held.id FROM held))
    RETURNING edit_jobs.id, edit_jobs.user_id, edit_jobs.order_id, edit_jobs.file_id
), published AS (
    UPDATE files
    SET status = 'done', locked = FALSE, preview_url = given.preview_url, finished_at = given.moment,
        updated_at = given.moment
    FROM ended JOIN given ON given.job_id = ended.id
    WHERE files.id = ended.file_id
), told AS (
    INSERT INTO notifications (id, user_id, order_id, file_id, job_id, type, message, created_at)
    SELECT given.note_id, ended.user_id, ended.order_id, ended.file_id, ended.id, 'edit_done',
        :before_name || held.name || :after_name, given.moment
    FROM ended JOIN given ON given.job_id = ended.id JOIN held ON held.id = ended.file_id
)
SELECT id FROM ended
"""


@cache
def _finish() -> Template:
    return Template(text(FINISH))


class PostgresStore(SqlStore):
    """`JobStore` on PostgreSQL."""

    def __init__(
        self,
        database: Database,
        *,
        notifies: bool = False,
        schema: Schema | None = None,
        traceparent: TraceParent | None = None,
    ) -> None:
        super().__init__(database, schema=schema, traceparent=traceparent)
        self._notifies = notifies
        self._unsure: dict[str, datetime] = {}
        """The tokens of claims without an answer, and when those were asked for."""
        self._starts = StartingPoints()
        self._claims = Batcher(self._claim_all, unwanted=self._release_unwanted)
        self._finishes = Batcher(self._finish_all, unwanted=_forget)

    async def send(self, group: Group[T]) -> T:
        """With `notifies`, listeners hear of the jobs that it queues."""
        return await super().send(notifying(group) if self._notifies else group)

    async def claim_next(self, *, now: datetime, holder: str | None = None) -> Claim | None:
        return await self._claims.ask((now, holder))

    async def finish(self, claim: Claim, *, preview_url: str, bytes_copied: int, now: datetime) -> None:
        token = token_of_end(claim, "finish")
        given = {
            "job_id": claim.job.id,
            "file_id": claim.file.id,
            "claim_token": claim.job.token,
            "token": token,
            "note_id": new_id(),
            "preview_url": preview_url,
            "bytes_copied": bytes_copied,
            "moment": to_ms(now),
        }
        await self._end(claim, "finish", self._finishes.ask(given))

    async def _claim_all(self, asked: Sequence[tuple[datetime, str | None]]) -> Sequence[Claim | None]:
        """Those who ask together are of one process and name one holder; were they not, the jobs would name none."""
        now = max(now for now, _ in asked)
        holders = {holder for _, holder in asked}
        holder = holders.pop() if len(holders) == 1 else None
        start = self._starts.full(now) if self._unsure else self._starts.next(now)
        claims = await self._claim(len(asked), start, now=now, holder=holder)
        wanting = len(asked) - len(claims)
        if wanting and not start.is_full:
            try:
                claims += await self._claim(wanting, self._starts.full(now), now=now, holder=holder)
            except Exception:
                if not claims:  # else they are made, and somebody has to work on them
                    raise
        return [*claims, *[None] * (len(asked) - len(claims))]

    async def _claim(self, most: int, start: Start, *, now: datetime, holder: str | None) -> list[Claim]:
        token = new_token()
        claiming = claim_up_to(most, traced=self.joins_traces).bind(
            now=to_ms(now), token=token, holder=holder, express_from=start.express, others_from=start.others
        )
        try:
            *_, rows = await self._database.run(*self._giving_back(now), in_order().bind(), claiming)
            claims = [to_claim(row) for row in rows]
        except Exception:
            self._unsure[token] = now
            raise
        self._starts.claimed([claim.job for claim in claims], asked=most)
        return claims

    def _giving_back(self, now: datetime) -> Sequence[Statement]:
        """Jobs of claims whose answer never came are queued again, unspent. The server may make such a claim long after
        we gave it up, so that finding nothing proves nothing."""
        self._unsure = {token: asked for token, asked in self._unsure.items() if now - asked < UNSURE_FOR}
        return [give_back().bind(tokens=list(self._unsure), now=to_ms(now))] if self._unsure else []

    async def _finish_all(self, given: Sequence[Mapping[str, object]]) -> Sequence[bool]:
        before, _, after = EDIT_DONE.partition("{name}")
        [rows] = await self._database.run(_finish().bind(given=json.dumps(given), before_name=before, after_name=after))
        ended = {row["id"] for row in rows}
        return [one["job_id"] in ended for one in given]

    # What puts jobs into the queue ----
    async def submit(
        self, file_ids: Sequence[str], *, order_id: str, user_id: str, express: bool, notes: str | None, now: datetime
    ) -> Submission:
        done = await super().submit(file_ids, order_id=order_id, user_id=user_id, express=express, notes=notes, now=now)
        self._starts.queued(done.jobs)
        return done

    async def revise(self, file_id: str, *, user_id: str, note: str, now: datetime) -> Revision:
        done = await super().revise(file_id, user_id=user_id, note=note, now=now)
        self._starts.queued([done.job] if done.job else [])
        return done

    async def retry_job(self, job_id: str, *, now: datetime) -> EditJob | None:
        job = await super().retry_job(job_id, now=now)
        self._starts.queued([job] if job else [])
        return job

    async def retry_jobs(self, failed: Sequence[EditJob | JobOfFile], *, now: datetime) -> Sequence[EditJob]:
        made = await super().retry_jobs(failed, now=now)
        self._starts.queued(made)
        return made

    async def retry_later(self, claim: Claim, *, error: str, run_after: datetime, now: datetime) -> None:
        await super().retry_later(claim, error=error, run_after=run_after, now=now)
        self._starts.queued([claim.job])

    async def release(self, claim: Claim, *, reason: str | None = None, now: datetime) -> None:
        await super().release(claim, reason=reason, now=now)
        self._starts.queued([claim.job])

    async def stale_jobs(self, *, started_before: datetime) -> Sequence[EditJob]:
        """Every consumer and every sweep asks, so that the kept counts are added up by the way."""
        return await self.send(adding_up_counts(rescue.stale_jobs(started_before=started_before)))

    async def rescue(
        self, *, started_before: datetime, max_retries: int, message: str, now: datetime
    ) -> Sequence[EditJob]:
        taken = await super().rescue(started_before=started_before, max_retries=max_retries, message=message, now=now)
        self._starts.queued(taken)
        return taken

    async def gone_holders(self) -> Sequence[str]:
        return await self.send(take_over.gone_holders())

    async def take_over(
        self, holders: Sequence[str], *, max_retries: int, message: str, now: datetime
    ) -> Sequence[EditJob]:
        found = await self.send(take_over.jobs_of(holders))
        taken = await self.send(
            take_over.take_over_under_locks(found, holders, max_retries=max_retries, message=message, now=now)
        )
        self._starts.queued(taken)
        return taken

    async def living_consumers(self) -> Sequence[LivingConsumer]:
        return await self.send(take_over.living_consumers())

    async def overview(self, *, now: datetime) -> Overview:
        group = overviews.overview(now=now, consumers=None, known_locks=self._lock_looks.known(now))
        return await self._see(overviews.with_living(group, take_over.living()), now)

    async def _release_unwanted(self, claim: Claim | None) -> None:
        """A claim nobody waits for any more would lock its file until the sweep comes."""
        if claim is not None and claim.job.started_at is not None:
            await self.release(claim, now=claim.job.started_at)


async def _forget(_: bool) -> None:  # noqa: FBT001  # what it is called with
    pass
