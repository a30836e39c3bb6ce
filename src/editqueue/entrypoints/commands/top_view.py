"""How `top` looks: lines that fit into the terminal, however wide and high it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from editqueue.ports.overview import Count, Failure, Lane, Overview, RunningJob, WaitingCustomer

Row = Sequence[Text]
LONGEST_CELL: Final = 200
"""Characters of a name or an error that are looked at; what does not fit is cut."""
AT_LEAST: Final = 2
"""Rows that a section keeps, however low the terminal is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What was seen at a time by this machine's clock."""

    overview: Overview
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Away:
    """The database is away."""

    since: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    title: str
    rows: Sequence[Row]
    otherwise: str
    """What is said where there is no row."""
    style: str = "bold cyan"


def view_of(
    look: Look | None, *, away: Away | None = None, height: int | None = None, every: float | None = None
) -> Group:
    """In at most `height` lines, if it is given. `every` is the number of seconds until the next look."""
    top = Table.grid(expand=True)
    top.add_column(no_wrap=True, overflow="ellipsis")
    top.add_row(_heading(look, every))
    if away is not None:
        top.add_row(_plain(f"database away since {_time(away.since)} UTC: {away.reason}", "bold red"))
    if look is None:
        return Group(top)
    for line in _totals(look):
        top.add_row(line)
    sections = _sections(look)
    room = None if height is None else height - top.row_count - 2 * len(sections) - 1
    return Group(top, *(part for section, rows in _fitting(sections, room) for part in _shown(section, rows)))


def _heading(look: Look | None, every: float | None) -> Text:
    at = "" if look is None else f"  as of {look.at:%Y-%m-%d} {_time(look.at)} UTC"
    again = "" if every is None else f"  every {every:g} s, Ctrl-C ends"
    return Text.assemble(("editqueue top", "bold"), at, (again, "dim"))


def _totals(look: Look) -> Sequence[Text]:
    seen = look.overview
    jobs = "  ".join(f"{name} {count:,}" for name, count in seen.stats.jobs.items())
    stale = f"  stale locks {seen.stats.stale_locks}" if seen.stats.stale_locks else ""
    spans = (
        (seen.throughput.minute, "1 min"),
        (seen.throughput.five_minutes, "5 min"),
        (seen.throughput.fifteen_minutes, "15 min"),
    )
    ended = "  ".join(f"{_count(count)} in {span}" for count, span in spans)
    lanes = "  ".join(_lane(lane, look.at) for lane in seen.lanes)
    facts = (("jobs", f"{jobs}{stale}"), ("ended", ended), ("due", lanes))
    return [Text.assemble((f"{name:<7}", "bold cyan"), fact) for name, fact in facts]


def _lane(lane: Lane, now: datetime) -> str:
    """An older one may wait behind those that are counted."""
    at_least = _at_least(lane.waiting)
    oldest = "" if lane.oldest is None else f", oldest {at_least}{_span(now - lane.oldest)}"
    return f"{'express' if lane.express else 'normal'} {_count(lane.waiting)}{oldest}"


def _count(count: Count) -> str:
    return f"{_at_least(count)}{count.number:,}"


def _at_least(count: Count) -> str:
    return "" if count.is_all else "at least "


def _sections(look: Look) -> Sequence[Section]:
    """In the order in which somebody wants to know."""
    seen, now = look.overview, look.at
    paused = [
        (_plain(pause.consumer), _plain(f"{pause.ground}  for {_span(now - pause.since)}"), _plain(pause.reason))
        for pause in seen.pauses
    ]
    alive = "" if seen.consumers is None else f" {len(seen.consumers)}"
    failures = [_failure(failure, now) for failure in seen.failures]
    waiting = [_waiting(customer, now) for customer in seen.customers]
    return [
        *([Section(title=f"PAUSED {len(paused)}", rows=paused, otherwise="", style="bold red")] if paused else []),
        Section(title=f"CONSUMERS ALIVE{alive}", rows=_consumers(seen, now), otherwise="none that is known"),
        Section(title="LAST FAILED ATTEMPTS", rows=failures, otherwise="none"),
        Section(title="LONGEST WAITING CUSTOMERS", rows=waiting, otherwise="none"),
    ]


def _consumers(seen: Overview, now: datetime) -> Sequence[Row]:
    """Those alive, each with what it works on; then what others work on, who hold no lock."""
    names = [*(seen.consumers or ())]
    others = [job for job in seen.running if job.consumer not in names]
    rows: list[Row] = []
    for name in names:
        own = [job for job in seen.running if job.consumer == name]
        rows += [_running(name, job, now) for job in own] or [(_plain(name), _plain("waits", "dim"))]
    return [*rows, *(_running(f"{job.consumer or ''} (no lock)".strip(), job, now) for job in others)]


def _running(consumer: str, job: RunningJob, now: datetime) -> Row:
    again = "" if job.attempt == 1 else f"  attempt {job.attempt}"
    time = f"for {_span(now - job.started_at)}{again}"
    return (_plain(consumer), _plain(time), _plain(f"{job.file_name}  of {job.user_id}"))


def _waiting(customer: WaitingCustomer, now: datetime) -> Row:
    jobs = f"{customer.jobs:,} {'job' if customer.jobs == 1 else 'jobs'}"
    return (_plain(customer.user_id), _plain(jobs), _plain(f"for {_span(now - customer.since)}"))


def _failure(failure: Failure, now: datetime) -> Row:
    ended = "failed" if failure.run_after is None else f"attempt {failure.number}"
    style = "red" if failure.run_after is None else "yellow"
    return (
        _plain(f"{_span(now - failure.ended_at)} ago"),
        _plain(ended, style),
        _plain(failure.user_id),
        _plain(failure.error or failure.ended_by.value),
    )


def _fitting(sections: Sequence[Section], room: int | None) -> Sequence[tuple[Section, Sequence[Row]]]:
    """The rows that each section may show: the largest give first."""
    shown = [len(section.rows) or 1 for section in sections]
    while room is not None and sum(shown) > room and max(shown) > AT_LEAST:
        shown[shown.index(max(shown))] -= 1
    return [(section, section.rows[:count]) for section, count in zip(sections, shown, strict=True)]


def _shown(section: Section, rows: Sequence[Row]) -> Sequence[Text | Table]:
    hidden = len(section.rows) - len(rows)
    title = Text.assemble((section.title, section.style), (f"  {hidden} more" if hidden else "", "dim"))
    title.no_wrap, title.overflow = True, "ellipsis"
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for number, _ in enumerate(rows[0] if rows else [""], start=1):
        last = number == max((len(row) for row in rows), default=1)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1 if last else None)
    for row in rows or [[_plain(section.otherwise, "dim")]]:
        table.add_row(*row)
    return [Text(), title, table]


def _plain(text: str, style: str = "") -> Text:
    """What customers and libraries write is shown as it is, without what would steer the terminal."""
    return Text("".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST_CELL]), style=style)


def _time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"


def _span(time: timedelta) -> str:
    """As exact as one wants to read it; never negative, should clocks differ."""
    seconds = max(0.0, time.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    for unit, size, until in (("s", 1, 120), ("min", 60, 7_200), ("h", 3_600, 172_800)):
        if seconds < until:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
