"""A database that nobody has analyzed yet: plans are made for tables that seem to be empty.

The server's own upkeep is off meanwhile, so that it comes when the bench wants it.
"""

from collections.abc import Sequence
from pathlib import Path

import psycopg

from bench.figures import Figure
from bench.live import all_live
from bench.pressure.feeding import FILES, Stretch, feed, in_turns
from bench.queues.queue import Work
from bench.side_by_side import changed_settings, side_by_side
from bench.sizes import size

SECONDS = size("FRESH_SECONDS", 60)
"""That each queue works without statistics, in twelve stretches."""
STRETCHES = 12


async def measure(folder: Path) -> list[Figure]:
    with changed_settings(autovacuum="off"):
        async with side_by_side(folder, files=FILES) as queues:
            works = [Work(record=folder / f"{number}.txt", at_a_time=8) for number in range(len(queues))]
            async with all_live(list(zip(queues, works, strict=True))) as running:
                found = await in_turns(running, SECONDS / STRETCHES, rounds=STRETCHES)
                for one in running:
                    _analyze(one.queue.url)
                    found[one.queue.name] += [await feed(one, SECONDS / STRETCHES) for _ in range(2)]
    return [figure for name, stretches in found.items() for figure in _figures(name, stretches)]


def _analyze(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _figures(name: str, stretches: Sequence[Stretch]) -> list[Figure]:
    last, analyzed = stretches[STRETCHES - 1], stretches[-1]
    rates = {
        "first_per_s": stretches[0].jobs_per_second,
        "last_per_s": last.jobs_per_second,
        "analyzed_per_s": analyzed.jobs_per_second,
    }
    made = [
        Figure(
            promise=27,
            what=f"{SECONDS} s at work in a fresh database: jobs/s after ANALYZE / before, {name}",
            measured=analyzed.jobs_per_second / last.jobs_per_second,
            unit="x",
            facts=rates,
        )
    ]
    if last.finish_ms:
        made.append(
            Figure(
                promise=27,
                what=f"time of finish after {SECONDS} s at work in a fresh database / after ANALYZE",
                measured=last.finish_ms / analyzed.finish_ms,
                target=1.5,
                unit="x",
                facts={
                    "first_ms": stretches[0].finish_ms,
                    "last_ms": last.finish_ms,
                    "analyzed_ms": analyzed.finish_ms,
                    "last_claim_ms": last.claim_ms,
                    "analyzed_claim_ms": analyzed.claim_ms,
                },
            )
        )
    return made
