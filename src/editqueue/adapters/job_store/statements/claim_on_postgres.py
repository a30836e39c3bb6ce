"""Claim on PostgreSQL: the next jobs are in progress, and their files are locked, by one statement.

The same guards as in claim.py. It takes several jobs at once, for workers that ask at the same time.
"""

from functools import cache

from sqlalchemy import text

from editqueue.adapters.job_store.databases.database import Row
from editqueue.adapters.job_store.databases.statement import Template
from editqueue.adapters.job_store.rows import to_claimed_job, to_file
from editqueue.adapters.job_store.schema import FILE_COLUMNS, jobs
from editqueue.adapters.job_store.statements.claim import SHARE
from editqueue.adapters.job_store.statements.traces import OF_JOB
from editqueue.ports.job_store import Claim

_JOB_COLUMNS = [column.name for column in jobs.c]
_FILE_COLUMNS = [column.name for column in FILE_COLUMNS]
_COLUMNS = ", ".join(
    [
        *(f"taken.{name} AS job_{name}" for name in _JOB_COLUMNS),
        *(f"locked.{name} AS file_{name}" for name in _FILE_COLUMNS),
    ]
)

# Of each lane the turns from where the caller wants it to begin, see store/starting_points.py. One lane after the
# other, each in the order of the index: PostgreSQL reads the second only when the first has too few.
_EXPRESS = "edit_jobs.express AND edit_jobs.turn >= :express_from"
_OTHERS = "NOT edit_jobs.express AND edit_jobs.turn >= :others_from"
_WAITING = """
        SELECT edit_jobs.id
        FROM edit_jobs JOIN files ON files.id = edit_jobs.file_id
        WHERE edit_jobs.status = 'queued' AND edit_jobs.run_after <= :now
          AND NOT files.locked AND files.expiring_at IS NULL AND {lane}
        ORDER BY edit_jobs.express DESC, edit_jobs.turn, edit_jobs.id
        LIMIT {{limit}}
        FOR UPDATE SKIP LOCKED
"""
_ONE_WAITS = """(
        SELECT id FROM edit_jobs WHERE status = 'queued' AND run_after <= :now AND {lane}
        ORDER BY express DESC, turn, id LIMIT 1
    ) IS NOT NULL"""

# Literal limits: for a bound one, PostgreSQL plans as if a tenth of the queue were wanted. It reads no further than the
# outer limits ask. A number is drawn for each job that starts while express jobs and others wait; nobody waits for a
# sequence, and what is drawn stays drawn. SKIP LOCKED does not skip what this statement has locked itself. COALESCE
# keeps the planner from walking the partial index of all queued jobs instead of looking up the given ones.
CLAIM = f"""
WITH drawn AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE nextval('job_starts') % {SHARE} = 0) AS fifths
    FROM generate_series(1, {{limit}})
    WHERE {_ONE_WAITS.format(lane=_EXPRESS)} AND {_ONE_WAITS.format(lane=_OTHERS)}
), others AS (
    SELECT id FROM ({_WAITING.format(lane=_OTHERS)}) AS waiting
    LIMIT (SELECT fifths FROM drawn)
), usual AS (
    SELECT id FROM (
        SELECT id FROM ({_WAITING.format(lane=_EXPRESS)}) AS express
        UNION ALL
        SELECT id FROM ({_WAITING.format(lane=f"{_OTHERS} AND edit_jobs.id <> ALL (ARRAY(SELECT id FROM others))")}
        ) AS other
    ) AS waiting
    LIMIT {{limit}} - (SELECT count(*) FROM others)
), head AS (
    SELECT id FROM others UNION ALL SELECT id FROM usual
), taken AS (
    UPDATE edit_jobs
    SET status = 'in_progress', token = :token, started_at = :now, attempts = attempts + 1,
        holder = :holder
    FROM head
    WHERE edit_jobs.id = head.id AND COALESCE(edit_jobs.status, '') = 'queued'
    RETURNING edit_jobs.*
), locked AS (
    UPDATE files
    SET status = 'in_progress', locked = TRUE, updated_at = :now
    FROM taken
    WHERE files.id = taken.file_id
    RETURNING {", ".join(f"files.{name}" for name in _FILE_COLUMNS)}
)
SELECT {_COLUMNS}{{traceparent}}
FROM taken JOIN locked ON locked.id = taken.file_id
ORDER BY taken.express DESC, taken.turn, taken.id
"""  # noqa: S608  # column names of our own tables


# Sent before each claim, for its transaction alone. Where nothing was queued when the table was analyzed, every index
# of active jobs seems to hold one row, and to walk another one and sort seems as cheap as `jobs_ready`. While a long
# transaction keeps what is dead that is all jobs of hours. `jit`: before PostgreSQL 18 the sort that remains, of the
# few that were taken, makes the plan seem dear enough to compile.
IN_ORDER = """
SELECT set_config('enable_sort', 'off', TRUE), set_config('jit', 'off', TRUE)
"""


@cache
def in_order() -> Template:
    return Template(text(IN_ORDER))


_TRACEPARENT = f", {OF_JOB.format(job='taken')} AS job_traceparent"


@cache
def claim_up_to(limit: int, *, traced: bool = False) -> Template:
    """Its parameters: `now`, `holder`, `token`, which all these claims share (what guards a claim names its job, too),
    and the turns from which each lane is looked at, `express_from` and `others_from`. `traced` reads the requests that
    the jobs came from, too."""
    return Template(text(CLAIM.format(limit=limit, traceparent=_TRACEPARENT if traced else "")))


def to_claim(row: Row) -> Claim:
    job = {name: row[f"job_{name}"] for name in _JOB_COLUMNS}
    file = {name: row[f"file_{name}"] for name in _FILE_COLUMNS}
    job["traceparent"] = row.get("job_traceparent")
    return Claim(job=to_claimed_job(job), file=to_file(file))


# Whatever is held by another session waits for the next time, so that no claim waits for it.
GIVE_BACK = """
WITH unsure AS (
    SELECT edit_jobs.id, edit_jobs.token
    FROM unnest(CAST(:tokens AS text[])) AS unanswered
    JOIN edit_jobs ON edit_jobs.status = 'in_progress' AND edit_jobs.token = unanswered
    JOIN files ON files.id = edit_jobs.file_id
    ORDER BY files.id
    FOR UPDATE OF files SKIP LOCKED
), released AS (
    UPDATE edit_jobs
    SET status = 'queued', token = edit_jobs.token || '-unsure', holder = NULL, attempts = attempts - 1
    FROM unsure
    WHERE edit_jobs.id = unsure.id AND edit_jobs.status = 'in_progress' AND edit_jobs.token = unsure.token
    RETURNING edit_jobs.file_id
)
UPDATE files
SET status = 'queued', locked = FALSE, updated_at = :now
FROM released
WHERE files.id = released.file_id
"""


@cache
def give_back() -> Template:
    """Jobs that were claimed under one of `tokens` are queued again, unspent; `now` is the time."""
    return Template(text(GIVE_BACK))
