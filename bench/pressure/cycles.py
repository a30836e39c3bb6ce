"""A hundred thousand jobs, one after the other, through few files: what they leave behind in tables, indexes and WAL.

Finished jobs and notifications are kept, so that those tables grow by their rows; nothing else may. The server writes
no full pages to its WAL meanwhile: how many there are depends on how often it makes a checkpoint, not on the job. It
looks for what is dead every 5 s instead of every minute: at 1,000 jobs a second that is still more jobs between two
looks than a minute of 80 photos a second.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.figures import Figure
from bench.live import Live, live
from bench.pressure.feeding import FILES, feed, submit_next
from bench.queues.queue import Queue, Work
from bench.side_by_side import changed_settings, side_by_side
from bench.sizes import size

CYCLES = size("CYCLES", 100_000)
PEERS_SECONDS = size("CYCLES_PEERS_SECONDS", 20)
"""What a job costs a peer shows after so many seconds."""
WAITING = FILES
"""Jobs that wait before any is claimed, where it is measured what a job costs from there on."""
STEPS = 5
LIVING = ("files", "jobs_ready", "jobs_backlog", "one_active_job_per_file", "jobs_running", "jobs_claimed")
"""Tables and indexes of ours that have as many rows after a job as before it."""
GROWING = ("edit_jobs", "notifications")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    jobs: int
    wal: int
    sizes: Mapping[str, int]
    """Bytes of every table and index."""
    updates: int
    hot: int


async def measure(folder: Path) -> list[Figure]:
    figures: list[Figure] = []
    with changed_settings(full_page_writes="off", autovacuum_naptime="5"):
        async with side_by_side(folder, files=FILES) as queues:
            for number, queue in enumerate(queues):
                work = Work(record=folder / f"{number}.txt", at_a_time=8)
                async with live(queue, work) as running:
                    found = await _ours(running) if number == 0 else await _peers(running)
                    figures.append(await _from_claim_to_end(running))
                figures += _figures(queue, found)
    return figures


async def _ours(one: Live) -> list[Found]:
    found = [_look(one)]
    for _ in range(STEPS):
        await feed(one, math.inf, at_most=CYCLES // STEPS)
        found.append(_look(one))
    return found


async def _peers(one: Live) -> list[Found]:
    before = _look(one)
    await feed(one, PEERS_SECONDS)
    return [before, _look(one)]


async def _from_claim_to_end(one: Live) -> Figure:
    """What a peer's users count, too: the submits are another program's."""
    one.stop()
    try:
        await submit_next(one, WAITING)
        before = _look(one)
    finally:
        one.go_on()
    await one.drained()
    return Figure(
        promise=27,
        what=f"WAL of one job from its claim to its end, {one.queue.name}, {WAITING:,} jobs",
        measured=(_look(one).wal - before.wal) / WAITING / 1000,
        target=2.5 if one.queue.name == "ours" else None,
        unit="kB",
    )


def _look(one: Live) -> Found:
    with psycopg.connect(one.queue.url, autocommit=True) as connection:
        [wal] = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").fetchone() or (0,)
        sizes = connection.execute(
            "SELECT relname, pg_relation_size(oid) FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')"
        ).fetchall()
        [updates, hot] = connection.execute(
            "SELECT sum(n_tup_upd)::bigint, sum(n_tup_hot_upd)::bigint FROM pg_stat_user_tables"
        ).fetchone() or (0, 0)
    return Found(jobs=one.submitted, wal=int(wal), sizes=dict(sizes), updates=int(updates or 0), hot=int(hot or 0))


def _figures(queue: Queue, found: Sequence[Found]) -> list[Figure]:
    ours, first, last = queue.name == "ours", found[0], found[-1]
    jobs = last.jobs - first.jobs
    figures = [
        Figure(
            promise=27,
            what=f"WAL of one job, its submit included, {queue.name}, {jobs:,} jobs",
            measured=(last.wal - first.wal) / jobs / 1000,
            unit="kB",
        ),
        Figure(
            promise=27,
            what=f"updates that touch no index (HOT), {queue.name}",
            measured=100 * (last.hot - first.hot) / max(1, last.updates - first.updates),
            target=25 if ours else None,
            at_least=True,
            unit="%",
            facts={"updates_a_job": (last.updates - first.updates) / jobs},
        ),
    ]
    return [*figures, *_sizes(found)] if ours else figures


def _sizes(found: Sequence[Found]) -> list[Figure]:
    early, last = found[2], found[-1]  # by then there is as much free room as the pace of autovacuum asks for
    living = {f"{name}_kb": last.sizes[name] / 1000 for name in LIVING if name in last.sizes}
    return [
        Figure(
            promise=27,
            what=f"files and the indexes of active jobs: bytes after {last.jobs:,} jobs / after {early.jobs:,}",
            measured=_bytes(last, LIVING) / _bytes(early, LIVING),
            target=1.2,
            unit="x",
            facts=living,
        ),
        Figure(
            promise=27,
            what=f"jobs and notifications: bytes a row after {last.jobs:,} jobs / after {early.jobs:,}",
            measured=(_bytes(last, GROWING) / last.jobs) / (_bytes(early, GROWING) / early.jobs),
            target=1.2,
            unit="x",
            facts={
                "edit_jobs_b_per_row": last.sizes["edit_jobs"] / last.jobs,
                "notifications_b_per_row": last.sizes["notifications"] / last.jobs,
                "all_tables_and_indexes_b_per_job": (sum(last.sizes.values()) - sum(found[0].sizes.values()))
                / last.jobs,
            },
        ),
    ]


def _bytes(found: Found, names: Sequence[str]) -> int:
    return sum(found.sizes.get(name, 0) for name in names)
