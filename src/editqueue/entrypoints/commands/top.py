"""top: a look at the whole queue, again and again."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime

from rich.console import Console
from rich.live import Live

from editqueue.domain.errors import StorageUnavailable
from editqueue.entrypoints.commands.console import print_json, stop_on_signals
from editqueue.entrypoints.commands.top_view import Away, Look, view_of
from editqueue.ports.job_store import JobStore
from editqueue.ports.overview import Throughput
from editqueue.settings import load_settings
from editqueue.use_cases.unless_stopped import unless_stopped
from editqueue.wiring.job_store import open_job_store
from editqueue.wiring.system_clock import SystemClock


async def run_top(*, once: bool, as_json: bool, every: float) -> None:
    """Until Ctrl-C or SIGTERM; one look where nobody looks on: for a script, or without a terminal."""
    console = Console(highlight=False)
    async with open_job_store(load_settings()) as store:
        if as_json:
            print_json(_facts(await _look(store)))
        elif once or not console.is_terminal or console.is_dumb_terminal:
            console.print(view_of(await _look(store)))
        else:
            stop = asyncio.Event()
            with stop_on_signals(stop):
                await watch(store, console, stop, every=every)


async def _look(store: JobStore) -> Look:
    now = SystemClock().now()
    return Look(overview=await store.overview(now=now), at=now)


async def watch(store: JobStore, console: Console, stop: asyncio.Event, *, every: float) -> None:
    """A database that is away is said so, below what was seen last; its answer is waited for."""
    seen: Look | None = None
    away: Away | None = None
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            try:
                seen, away = await unless_stopped(_look(store), stop) or seen, None
            except StorageUnavailable as error:
                away = Away(since=away.since if away else SystemClock().now(), reason=str(error))
            live.update(view_of(seen, away=away, height=console.size.height, every=every), refresh=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)


def _facts(look: Look) -> Mapping[str, object]:
    """For scripts: ages in seconds, and everything that is seen."""
    seen = look.overview

    def age(moment: datetime | None) -> float | None:
        return None if moment is None else round(max(0.0, (look.at - moment).total_seconds()), 3)

    return {
        "as_of": look.at.isoformat(),
        "jobs": seen.stats.jobs,
        "stale_locks": seen.stats.stale_locks,
        "ended": _ended(seen.throughput),
        "lanes": [
            {
                "lane": "express" if lane.express else "normal",
                "due": lane.waiting.number,
                "is_all": lane.waiting.is_all,
                "oldest_seconds": age(lane.oldest),
            }
            for lane in seen.lanes
        ],
        "consumers": seen.consumers,
        "running": [_timed(asdict(job)) | {"seconds": age(job.started_at)} for job in seen.running],
        "failures": [_timed(asdict(failure)) for failure in seen.failures],
        "customers": [_timed(asdict(one)) | {"seconds": age(one.since)} for one in seen.customers],
        "paused": [_timed(asdict(pause)) | {"seconds": age(pause.since)} for pause in seen.pauses],
    }


def _ended(throughput: Throughput) -> Mapping[str, object]:
    """The number of each span, and of each whether it is all or only at least so many."""
    spans = {
        "minute": throughput.minute,
        "five_minutes": throughput.five_minutes,
        "fifteen_minutes": throughput.fifteen_minutes,
    }
    return {
        **{name: count.number for name, count in spans.items()},
        "is_all": {name: count.is_all for name, count in spans.items()},
    }


def _timed(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}
