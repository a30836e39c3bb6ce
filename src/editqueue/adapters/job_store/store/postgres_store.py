"""The store on PostgreSQL: claim and finish, the two transitions of every job, each in one round trip.

The same guards as in statements/claim.py and ends.py, in PostgreSQL's own words: one statement may write several
tables there, and take several jobs at once for workers that ask at the same time. The contract suite holds both.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, text

from editqueue.adapters.job_store.databases.postgres import PostgresDatabase
from editqueue.adapters.job_store.rows import to_file, to_job, to_ms
from editqueue.adapters.job_store.schema import files, jobs
from editqueue.adapters.job_store.statements.claim import SHARE, UNSURE_FOR
from editqueue.adapters.job_store.statements.ends import token_of_end
from editqueue.adapters.job_store.statements.group import Group, T
from editqueue.adapters.job_store.statements.wake_ups import notifying
from editqueue.adapters.job_store.store.batcher import Batcher
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.ids import new_id, new_token
from editqueue.domain.messages import EDIT_DONE
from editqueue.ports.job_store import Claim

_JOB_COLUMNS = [column.name for column in jobs.c]
_FILE_COLUMNS = [column.name for column in files.c]
_COLUMNS = ", ".join([*(f"taken.{name}" for name in _JOB_COLUMNS), *(f"locked.{name}" for name in _FILE_COLUMNS)])

# Literal limits: for a bound one, PostgreSQL plans as if a tenth of the queue were wanted. It reads no further than the
# outer limits ask. A number is drawn for each job that starts while express jobs and others wait; nobody waits for a
# sequence, and what is drawn stays drawn. SKIP LOCKED does not skip what this statement has locked itself.
CLAIM = f"""
WITH drawn AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE nextval('job_starts') % {SHARE} = 0) AS fifths
    FROM generate_series(1, {{limit}})
    WHERE (
        SELECT id FROM edit_jobs WHERE status = 'queued' AND run_after <= :now AND express
        ORDER BY express DESC, turn, id LIMIT 1
    ) IS NOT NULL AND (
        SELECT id FROM edit_jobs WHERE status = 'queued' AND run_after <= :now AND NOT express
        ORDER BY express DESC, turn, id LIMIT 1
    ) IS NOT NULL
), others AS (
    SELECT id FROM (
        SELECT edit_jobs.id
        FROM edit_jobs JOIN files ON files.id = edit_jobs.file_id
        WHERE edit_jobs.status = 'queued' AND edit_jobs.run_after <= :now
          AND NOT files.locked AND files.expiring_at IS NULL AND NOT edit_jobs.express
        ORDER BY edit_jobs.express DESC, edit_jobs.turn, edit_jobs.id
        LIMIT {{limit}}
        FOR UPDATE SKIP LOCKED
    ) AS waiting
    LIMIT (SELECT fifths FROM drawn)
), usual AS (
    SELECT id FROM (
        SELECT edit_jobs.id
        FROM edit_jobs JOIN files ON files.id = edit_jobs.file_id
        WHERE edit_jobs.status = 'queued' AND edit_jobs.run_after <= :now
          AND NOT files.locked AND files.expiring_at IS NULL AND edit_jobs.id <> ALL (ARRAY(SELECT id FROM others))
        ORDER BY edit_jobs.express DESC, edit_jobs.turn, edit_jobs.id
        LIMIT {{limit}}
        FOR UPDATE SKIP LOCKED
    ) AS waiting
    LIMIT {{limit}} - (SELECT count(*) FROM others)
), head AS (
    SELECT id FROM others UNION ALL SELECT id FROM usual
), taken AS (
    UPDATE edit_jobs
    SET status = 'in_progress', token = :token || edit_jobs.id, started_at = :now, attempts = attempts + 1
    FROM head
    WHERE edit_jobs.id = head.id AND edit_jobs.status = 'queued'
    RETURNING edit_jobs.*
), locked AS (
    UPDATE files
    SET status = 'in_progress', locked = TRUE, updated_at = :now
    FROM taken
    WHERE files.id = taken.file_id
    RETURNING files.*
)
SELECT {_COLUMNS}
FROM taken JOIN locked ON locked.id = taken.file_id
ORDER BY taken.express DESC, taken.turn, taken.id
"""  # noqa: S608  # column names of our own tables

# Whatever is held by another session waits for the next time, so that no claim waits for it.
GIVE_BACK = """
WITH unsure AS (
    SELECT edit_jobs.id, edit_jobs.token
    FROM unnest(CAST(:beginnings AS text[])) AS beginning
    JOIN edit_jobs ON edit_jobs.status = 'in_progress' AND starts_with(edit_jobs.token, beginning)
    JOIN files ON files.id = edit_jobs.file_id
    ORDER BY files.id
    FOR UPDATE OF files SKIP LOCKED
), released AS (
    UPDATE edit_jobs
    SET status = 'queued', token = edit_jobs.token || '-unsure', attempts = attempts - 1
    FROM unsure
    WHERE edit_jobs.id = unsure.id AND edit_jobs.status = 'in_progress' AND edit_jobs.token = unsure.token
    RETURNING edit_jobs.file_id
)
UPDATE files
SET status = 'queued', locked = FALSE, updated_at = :now
FROM released
WHERE files.id = released.file_id
"""

# The files are held first, all of them and by id, before any job is touched: the order in which every group takes its
# rows (decision 20). An uncorrelated subquery is run to its end before the first row of the UPDATE that asks for it.
# COALESCE keeps the planner from walking the partial index of all running jobs instead of looking up the given ones.
FINISH = """
WITH given AS (
    SELECT *
    FROM unnest(
        CAST(:job_ids AS text[]), CAST(:file_ids AS text[]), CAST(:claim_tokens AS text[]), CAST(:tokens AS text[]),
        CAST(:note_ids AS text[]), CAST(:preview_urls AS text[]), CAST(:bytes_copied AS bigint[]), CAST(:moments AS bigint[])
    )
        AS given(job_id, file_id, claim_token, token, note_id, preview_url, bytes_copied, moment)
), held AS (
    SELECT files.id, files.name FROM files WHERE files.id = ANY (CAST(:file_ids AS text[])) ORDER BY files.id FOR UPDATE
), ended AS (
    UPDATE edit_jobs
    SET status = 'done', token = given.token, finished_at = given.moment, error = NULL,
        bytes_copied = given.bytes_copied
    FROM given
    WHERE edit_jobs.id = given.job_id AND COALESCE(edit_jobs.status, '') = 'in_progress'
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


class PostgresStore(SqlStore):
    """`JobStore` on PostgreSQL."""

    def __init__(self, database: PostgresDatabase, *, notifies: bool = False) -> None:
        super().__init__(database)
        self._notifies = notifies
        self._postgres = database
        self._unsure: dict[str, datetime] = {}
        """How the tokens of claims without an answer begin, and when those were asked for."""
        self._claims = Batcher(self._claim_all, unwanted=self._release_unwanted)
        self._finishes = Batcher(self._finish_all, unwanted=_forget)

    async def send(self, group: Group[T]) -> T:
        """With `notifies`, listeners hear of the jobs that it queues."""
        return await super().send(notifying(group) if self._notifies else group)

    async def claim_next(self, *, now: datetime) -> Claim | None:
        return await self._claims.ask(now)

    async def finish(self, claim: Claim, *, preview_url: str, bytes_copied: int, now: datetime) -> None:
        token = token_of_end(claim, "finish")
        ids = (claim.job.id, claim.file.id, claim.job.token, token, new_id())
        await self._end(claim, "finish", self._finishes.ask((*ids, preview_url, bytes_copied, to_ms(now))))

    async def _claim_all(self, moments: Sequence[datetime]) -> Sequence[Claim | None]:
        now, token = max(moments), new_token()
        await self._give_back_unsure(now)
        try:
            rows = await self._postgres.fetch(CLAIM.format(limit=len(moments)), to_ms(now), token)
        except StorageUnavailable:
            self._unsure[token] = now
            raise
        claims = [_to_claim(row) for row in rows]
        return [*claims, *[None] * (len(moments) - len(claims))]

    async def _give_back_unsure(self, now: datetime) -> None:
        """Jobs of claims whose answer never came are queued again, unspent. The server may make such a claim long after
        we gave it up, so that finding nothing proves nothing."""
        self._unsure = {token: asked for token, asked in self._unsure.items() if now - asked < UNSURE_FOR}
        if self._unsure:
            await self._postgres.fetch(GIVE_BACK, list(self._unsure), to_ms(now))

    async def _finish_all(self, given: Sequence[tuple[object, ...]]) -> Sequence[bool]:
        columns = [list(column) for column in zip(*given, strict=True)]
        before, _, after = EDIT_DONE.partition("{name}")
        ended = {row[0] for row in await self._postgres.fetch(FINISH, *columns, before, after)}
        return [job_id in ended for job_id, *_ in given]

    async def _release_unwanted(self, claim: Claim | None) -> None:
        """A claim nobody waits for any more would lock its file until the sweep comes."""
        if claim is not None and claim.job.started_at is not None:
            await self.release(claim, now=claim.job.started_at)


async def _forget(_: bool) -> None:  # noqa: FBT001  # what it is called with
    pass


def _to_claim(row: asyncpg.Record) -> Claim:
    values = list(row.values())
    job: Mapping[str, Any] = dict(zip(_JOB_COLUMNS, values, strict=False))
    file: Mapping[str, Any] = dict(zip(_FILE_COLUMNS, values[len(_JOB_COLUMNS) :], strict=True))
    return Claim(job=to_job(job), file=to_file(file))
