"""Keep a queue busy for a while, and count what it does: every job is submitted, claimed and ended."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import median

from bench.live import Live
from bench.queues.queue import JOBS_AT_ONCE

DEPTH = 500
"""Jobs that wait while a queue is kept busy."""
FILES = 2_000
"""Files of ours, submitted in turn: one is done long before its turn comes again."""
LOOK = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A while at work."""

    jobs_per_second: float
    jobs: int
    finish_ms: float
    """The median that the database took to end a job; of ours only, else 0."""
    claim_ms: float


async def feed(one: Live, seconds: float, *, at_most: int | None = None, files: int = FILES) -> Stretch:
    """Work on `files` in turn for `seconds`, or until `at_most` jobs were submitted; then until nothing waits."""
    begin, first = time.time(), one.submitted
    while (left := begin + seconds - time.time()) > 0 and (at_most is None or one.submitted - first < at_most):
        if one.waiting() < DEPTH:
            await submit_next(one, JOBS_AT_ONCE, files=files)
        else:
            await asyncio.sleep(min(LOOK, left))
    end = time.time()
    await one.drained()
    return _stretch(one, begin, end)


async def submit_next(one: Live, count: int, *, files: int = FILES) -> None:
    """The next `count`, a multiple of a hundred; file numbers come round again."""
    for _ in range(count // JOBS_AT_ONCE):
        start = one.submitted % files
        await one.queue.submit(range(start, start + JOBS_AT_ONCE))
        one.submitted += JOBS_AT_ONCE


def _stretch(one: Live, begin: float, end: float) -> Stretch:
    one.records.refresh()
    recent = takewhile(lambda event: event.at >= begin - 1, reversed(one.records.events))
    events = [event for event in recent if begin <= event.at <= end]
    jobs = sum(event.kind == "ran" for event in events)
    return Stretch(
        jobs_per_second=jobs / (end - begin),
        jobs=jobs,
        finish_ms=_median_ms([event.seconds for event in events if event.kind == "ended"]),
        claim_ms=_median_ms([event.seconds for event in events if event.kind == "asked" and event.number >= 0]),
    )


def _median_ms(seconds: Sequence[float]) -> float:
    return median(seconds) * 1000 if seconds else 0.0


async def in_turns(
    running: Sequence[Live], seconds: float, *, rounds: int, files: int = FILES
) -> dict[str, list[Stretch]]:
    """Every queue is busy for `seconds`, one after the other, `rounds` times; the others idle meanwhile."""
    found: dict[str, list[Stretch]] = {one.queue.name: [] for one in running}
    for number in range(rounds):
        for one in running if number % 2 == 0 else reversed(running):
            found[one.queue.name].append(await feed(one, seconds, files=files))
    return found
