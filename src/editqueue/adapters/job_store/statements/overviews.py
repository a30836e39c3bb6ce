"""The overview: one group of reads. Those that are its own are answered by indexes and bounded in what they read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, case, func, literal_column, select, text

from editqueue.adapters.job_store.databases.constructs import given_time
from editqueue.adapters.job_store.databases.database import Row, Rows
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.rows import CLOCKS_APART_MS, to_failure, to_ms, to_running, to_time
from editqueue.adapters.job_store.schema import IN_PROGRESS, QUEUED, attempts, files, jobs
from editqueue.adapters.job_store.statements import pauses, queries
from editqueue.adapters.job_store.statements.group import Group
from editqueue.ports.overview import Count, Lane, Overview, Throughput, WaitingCustomer

SPANS: Final = {
    "minute": timedelta(minutes=1),
    "five_minutes": timedelta(minutes=5),
    "fifteen_minutes": timedelta(minutes=15),
}
COUNTED: Final = 20_000
"""Ended files that are counted at most: what 22 a second make in a quarter of an hour. So many jobs of a lane, too."""
CUSTOMERS: Final = 1_000
"""Whose queue is looked into, by name."""
SHOWN: Final = 10
"""Failures and customers."""
RUNNING: Final = 500
ATTEMPTS: Final = 2_000
"""Among which failures are looked for, the last ones: those that were handed back may be many."""
PAUSES_SEEN: Final = timedelta(minutes=3)
"""A consumer that waits says so every minute."""


def overview(*, now: datetime, consumers: Sequence[str] | None, known_locks: int | None) -> Group[Overview]:
    """With those that are known to be alive, and the locks as `queue_stats` has them."""
    stats, waits = queries.queue_stats(now=now, known_locks=known_locks), pauses.pauses(seen_after=now - PAUSES_SEEN)
    own: tuple[Statement, ...] = (
        _throughput().bind(**{name: to_ms(now - span) for name, span in SPANS.items()}),
        _lane(express=True).bind(now=to_ms(now)),
        _lane(express=False).bind(now=to_ms(now)),
        _running().bind(),
        _failures().bind(),
        _customers().bind(),
    )

    def read(rows: Sequence[Rows]) -> Overview:
        *of_stats, of_waits, [ended], [express], [others], running, failures, customers = rows
        return Overview(
            stats=stats.read(of_stats),
            throughput=_to_throughput(ended),
            lanes=[_to_lane(express, express=True), _to_lane(others, express=False)],
            consumers=consumers,
            running=[to_running(row) for row in running],
            failures=[to_failure(row) for row in failures],
            customers=[_to_customer(row) for row in customers],
            pauses=waits.read([of_waits]),
        )

    return Group(statements=(*stats.statements, *waits.statements, *own), read=read)


def with_living(group: Group[Overview], living: Statement) -> Group[Overview]:
    """The same, with the consumers that the rows of `living` name."""
    return Group(
        statements=(living, *group.statements),
        read=lambda rows: replace(group.read(rows[1:]), consumers=[row["name"] for row in rows[0]]),
    )


def _most(count: int) -> ColumnElement[int]:
    """As a literal: PostgreSQL takes a limit that is a parameter for a tenth of everything."""
    return literal_column(str(count), Integer)


@cache
def _throughput() -> Template:
    ended = (
        select(files.c.finished_at)
        .where(
            files.c.finished_at.is_not(None),
            files.c.finished_at > given_time("fifteen_minutes"),
            # Where no job had ended, the deletion was written there.
            files.c.finished_at != func.coalesce(files.c.deleted_at, 0),
        )
        .order_by(files.c.finished_at.desc())
        .limit(_most(COUNTED))
        .subquery("ended")
    )
    within = {name: func.count(case((ended.c.finished_at > given_time(name), 1))).label(name) for name in SPANS}
    return Template(select(*within.values()))


def _to_throughput(row: Row) -> Throughput:
    return Throughput(**{name: Count(number=int(row[name]), is_all=int(row[name]) < COUNTED) for name in SPANS})


@cache
def _lane(*, express: bool) -> Template:
    """Of its first jobs in the order of the claim, those that may run now."""
    in_lane = jobs.c.express == literal_column("TRUE" if express else "FALSE")
    first = (
        select(jobs.c.run_after)
        .where(QUEUED, in_lane)
        .order_by(jobs.c.turn, jobs.c.id)
        .limit(_most(COUNTED))
        .subquery("first")
    )
    due = case((first.c.run_after <= given_time(), first.c.run_after))
    return Template(
        select(
            func.count(due).label("waiting"), func.min(due).label("oldest"), func.count().label("looked_at")
        ).select_from(first)
    )


def _to_lane(row: Row, *, express: bool) -> Lane:
    oldest = None if row["oldest"] is None else to_time(row["oldest"] + CLOCKS_APART_MS)
    waiting = Count(number=int(row["waiting"]), is_all=int(row["looked_at"]) < COUNTED)
    return Lane(express=express, waiting=waiting, oldest=oldest)


@cache
def _running() -> Template:
    columns = {
        "job_id": jobs.c.id,
        "user_id": jobs.c.user_id,
        "file_name": files.c.name,
        "attempt": jobs.c.attempts,
        "started_at": jobs.c.started_at,
        "consumer": jobs.c.holder,
    }
    found = select(*(column.label(name) for name, column in columns.items())).select_from(
        jobs.join(files, files.c.id == jobs.c.file_id)
    )
    return Template(found.where(IN_PROGRESS).order_by(jobs.c.started_at).limit(_most(RUNNING)))


@cache
def _failures() -> Template:
    names = ("job_id", "number", "ended_at", "ended_by", "error", "run_after")
    newest = (
        select(*(attempts.c[name] for name in names))
        .order_by(attempts.c.ended_at.desc())
        .limit(_most(ATTEMPTS))
        .subquery("newest")
    )
    counts = newest.c.ended_by != literal_column("'hand_back'")
    shown = select(newest).where(counts).order_by(newest.c.ended_at.desc()).limit(_most(SHOWN)).subquery("shown")
    found = select(shown, jobs.c.user_id).select_from(shown.join(jobs, jobs.c.id == shown.c.job_id))
    return Template(found.order_by(shown.c.ended_at.desc()))


@cache
def _customers() -> Template:
    """Those who have jobs in the queue are found one after the other in an index, each by a look past the last. The
    first turn of a lane is the customer's oldest job in it."""
    first = "SELECT created_at FROM edit_jobs WHERE {of_customer} AND express = {express} ORDER BY turn LIMIT 1"
    of_customer = "status = 'queued' AND user_id = customers.user_id"
    express, other = (first.format(of_customer=of_customer, express=lane) for lane in ("TRUE", "FALSE"))
    found = text(f"""
WITH RECURSIVE customers (user_id, place) AS (
    SELECT user_id, 1 FROM (SELECT user_id FROM edit_jobs WHERE status = 'queued' ORDER BY user_id LIMIT 1) AS first
    UNION ALL
    SELECT (
        SELECT user_id FROM edit_jobs WHERE status = 'queued' AND user_id > customers.user_id ORDER BY user_id LIMIT 1
    ), place + 1
    FROM customers WHERE user_id IS NOT NULL AND place < {CUSTOMERS}
), lanes AS (
    SELECT user_id, ({express}) AS express, ({other}) AS other FROM customers WHERE user_id IS NOT NULL
), longest AS (
    SELECT user_id, COALESCE(CASE WHEN express < other THEN express ELSE other END, express) AS since FROM lanes
    ORDER BY since, user_id LIMIT {SHOWN}
)
SELECT user_id, since,
    (SELECT count(*) FROM edit_jobs WHERE status = 'queued' AND user_id = longest.user_id) AS jobs
FROM longest ORDER BY since, user_id
""")  # noqa: S608  # no part of it comes from outside
    return Template(found.columns(user_id=Text, since=BigInteger, jobs=BigInteger))


def _to_customer(row: Row) -> WaitingCustomer:
    return WaitingCustomer(user_id=row["user_id"], jobs=int(row["jobs"]), since=to_time(row["since"]))
