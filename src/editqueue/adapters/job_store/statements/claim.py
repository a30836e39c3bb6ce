"""Claim: the next job is in progress, and its file is locked.

On a database with one writer, SQLite or D1. PostgreSQL has its own words for it, in claim_on_postgres.py.
"""

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import to_claimed_job, to_file, to_ms
from editqueue.adapters.job_store.schema import FILE_COLUMNS
from editqueue.adapters.job_store.statements.group import Group
from editqueue.adapters.job_store.statements.traces import OF_JOB
from editqueue.domain.ids import new_token
from editqueue.ports.job_store import Claim

SHARE: Final = 5
"""Of so many jobs that start one after the other while express jobs and others wait, one is one of the others."""

UNSURE_FOR: Final = timedelta(minutes=15)
"""How long a claim without an answer may still be made: whatever it takes later is stale at once, unless
EDITQUEUE_STALE_AFTER was raised."""

_NEXT: Final = """
    SELECT edit_jobs.id
    FROM edit_jobs JOIN files ON files.id = edit_jobs.file_id
    WHERE edit_jobs.status = 'queued' AND edit_jobs.run_after <= :moment AND {lane}
      AND NOT files.locked AND files.expiring_at IS NULL
    ORDER BY edit_jobs.express DESC, edit_jobs.turn, edit_jobs.id
    LIMIT 1
"""
_EXPRESS: Final = _NEXT.format(lane="edit_jobs.express = TRUE")
_OTHER: Final = _NEXT.format(lane="edit_jobs.express = FALSE")
_ANY: Final = _NEXT.format(lane="TRUE")

# Where both wait a job does start, so it is counted before it is chosen. Any other claim writes nothing here.
COUNT: Final = Template(
    text(f"""
UPDATE job_starts SET starts = starts + 1 WHERE EXISTS ({_EXPRESS}) AND EXISTS ({_OTHER})
""")  # noqa: S608  # no part of it comes from outside
)
_TAKE: Final = f"""
UPDATE edit_jobs
SET status = 'in_progress', token = :token, started_at = :moment, attempts = attempts + 1, holder = :holder
WHERE status = 'queued' AND id = COALESCE(
  CASE WHEN (SELECT starts % {SHARE} = 0 FROM job_starts) THEN ({_OTHER}) END, ({_ANY})
)
RETURNING *"""  # noqa: S608  # no part of it comes from outside
TAKE: Final = Template(text(_TAKE))
TAKE_TRACED: Final = Template(text(f"{_TAKE}, {OF_JOB.format(job='edit_jobs')} AS traceparent"))
LOCK: Final = Template(
    text(f"""
UPDATE files
SET status = 'in_progress', locked = TRUE, updated_at = :moment
WHERE id = (SELECT file_id FROM edit_jobs WHERE status = 'in_progress' AND token = :token)
RETURNING {", ".join(column.name for column in FILE_COLUMNS)}
""")  # noqa: S608  # column names of our own table
)


_UNSURE: Final = """
SELECT {column} FROM edit_jobs
WHERE status = 'in_progress' AND token IN (SELECT value FROM json_each(:tokens))
"""
UNLOCK_UNSURE: Final = Template(
    text(f"""
UPDATE files SET status = 'queued', locked = FALSE, updated_at = :moment
WHERE id IN ({_UNSURE.format(column="file_id")})
""")  # noqa: S608  # no part of it comes from outside
)
QUEUE_UNSURE: Final = Template(
    text(f"""
UPDATE edit_jobs SET status = 'queued', token = token || '-unsure', holder = NULL, attempts = attempts - 1
WHERE id IN ({_UNSURE.format(column="id")})
""")  # noqa: S608  # no part of it comes from outside
)


def claim_next(
    *,
    now: datetime,
    holder: str | None = None,
    token: str | None = None,
    unsure: Collection[str] = (),
    traced: bool = False,
) -> Group[Claim | None]:
    """The claim writes `token`, or a fresh one. Jobs that earlier claims took under the tokens `unsure` are queued
    again first, unspent: their answers never came, so nobody works on them. `traced` reads the request that the job
    came from, too."""
    moment, token = to_ms(now), token or new_token()
    return Group(
        statements=(
            *(_give_back(unsure, moment) if unsure else ()),
            COUNT.bind(moment=moment),
            (TAKE_TRACED if traced else TAKE).bind(moment=moment, token=token, holder=holder),
            LOCK.bind(moment=moment, token=token),
        ),
        read=lambda rows: Claim(job=to_claimed_job(rows[-2][0]), file=to_file(rows[-1][0])) if rows[-2] else None,
    )


def _give_back(tokens: Collection[str], moment: int) -> tuple[Statement, ...]:
    given = json.dumps(sorted(tokens))
    return UNLOCK_UNSURE.bind(moment=moment, tokens=given), QUEUE_UNSURE.bind(tokens=given)
