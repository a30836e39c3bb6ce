"""A transaction that is held open for the whole run, as a report or a forgotten session does: no dead row can go.

Beside it works a second database of ours without such a transaction, in turns of a few seconds: what the machine does
meanwhile hits both. Each job is of a file of its own. A file that is edited twenty times meanwhile has sixty versions,
and whoever looks for it steps over all of them.
"""

from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from statistics import mean

import psycopg

from bench.figures import Figure
from bench.live import all_live
from bench.pressure.feeding import Stretch, in_turns
from bench.queues.ours import our_queue
from bench.queues.queue import Work
from bench.side_by_side import side_by_side
from bench.sizes import size
from devtools.databases import new_postgres

FIFTH = size("PINNED_SECONDS", 12)
"""Seconds that each fifth of the run takes, for each queue."""
TURNS = 4
"""That a fifth consists of."""
FILES = size("PINNED_FILES", 150_000)
"""More than a queue works on in its sixty seconds."""
FREE = "ours, without the transaction"


async def measure(folder: Path) -> list[Figure]:
    async with AsyncExitStack() as stack:
        queues = await stack.enter_async_context(side_by_side(folder, files=FILES))
        new = stack.enter_context(new_postgres())
        free = await stack.enter_async_context(our_queue(new(), folder / "free", files=FILES, name=FREE))
        works = [Work(record=folder / f"{number}.txt", at_a_time=8) for number in range(len(queues) + 1)]
        running = await stack.enter_async_context(all_live(list(zip([*queues, free], works, strict=True))))
        stack.enter_context(_pinned([queue.url for queue in queues]))
        found = await in_turns(running, FIFTH / TURNS, rounds=5 * TURNS, files=FILES)
    fifths = {name: _fifths(turns) for name, turns in found.items()}
    free_ratio = _decline(fifths[FREE])
    ours = Figure(
        promise=27,
        what="a transaction held open: jobs/s of the last fifth / first, ours / ours without it",
        measured=_decline(fifths["ours"]) / free_ratio,
        target=0.8,
        at_least=True,
        unit="x",
    )
    return [ours, *[_figure(name, rates, found[name]) for name, rates in fifths.items()]]


@contextmanager
def _pinned(urls: Sequence[str]) -> Generator[None]:
    """A transaction in each database that has a snapshot and a number of its own."""
    with ExitStack() as stack:
        for url in urls:
            connection = stack.enter_context(psycopg.connect(url))
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.execute("SELECT pg_current_xact_id()")
        yield


def _fifths(turns: Sequence[Stretch]) -> list[float]:
    rates = [one.jobs_per_second for one in turns]
    return [mean(rates[start : start + TURNS]) for start in range(0, len(rates), TURNS)]


def _decline(fifths: Sequence[float]) -> float:
    return fifths[-1] / fifths[0]


def _figure(name: str, fifths: Sequence[float], turns: Sequence[Stretch]) -> Figure:
    told = {f"fifth_{number}_per_s": rate for number, rate in enumerate(fifths, start=1)}
    claims = {"first_claim_ms": turns[0].claim_ms, "last_claim_ms": turns[-1].claim_ms} if turns[0].claim_ms else {}
    return Figure(
        promise=27,
        what=f"a transaction held open: jobs/s of the last fifth / first, {name}",
        measured=_decline(fifths),
        unit="x",
        facts={**told, "jobs": sum(one.jobs for one in turns), **claims},
    )
