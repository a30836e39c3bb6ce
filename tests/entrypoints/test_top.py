"""`editqueue top`: what is seen at a glance, in any terminal and without one."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from devtools.holding import holding
from devtools.installation import Ended, Installation, command
from devtools.patience import PATIENCE
from devtools.seeds import NOON, claim, seed_files, seed_order, submit
from editqueue.domain.attempts import AttemptEnd
from editqueue.domain.errors import StorageUnavailable
from editqueue.entrypoints.commands.top import watch
from editqueue.entrypoints.commands.top_view import Away, Look, view_of
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.job_store import JobStore, QueueStats
from editqueue.ports.overview import Count, Failure, Lane, Overview, RunningJob, Throughput, WaitingCustomer
from tests.entrypoints.in_process import run_here

MANY = range(30)
SPANS = ("minute", "five_minutes", "fifteen_minutes")
HOSTILE = "\x1b[2J\x07\r[bold]sie[/bold] „Küche“ " + "x" * 300


def busy(now: datetime = NOON) -> Overview:
    """More of everything than fits."""
    consumers = [f"web-{number}:4711:0badcafe" for number in MANY]
    return Overview(
        stats=QueueStats(
            jobs={"queued": 9_999, "in_progress": 30, "done": 1_234_567, "failed": 7},
            files={},
            oldest_eligible=now,
            stale_locks=2,
        ),
        throughput=Throughput(
            minute=Count(number=9_999, is_all=True),
            five_minutes=Count(number=20_000, is_all=False),
            fifteen_minutes=Count(number=20_000, is_all=False),
        ),
        lanes=[
            Lane(express=True, waiting=Count(number=0, is_all=True), oldest=None),
            Lane(express=False, waiting=Count(number=20_000, is_all=False), oldest=now),
        ],
        consumers=consumers,
        running=[
            RunningJob(
                job_id="j", user_id=HOSTILE, file_name=HOSTILE, attempt=2, started_at=now, consumer=consumers[number]
            )
            for number in MANY
        ],
        failures=[
            Failure(
                job_id="j",
                user_id=HOSTILE,
                number=1,
                ended_at=now,
                ended_by=AttemptEnd.RETRY,
                error=HOSTILE,
                run_after=now,
            )
            for _ in MANY
        ],
        customers=[WaitingCustomer(user_id=HOSTILE, jobs=number, since=now) for number in MANY],
        pauses=[
            ConsumerPause(consumer=consumer, ground="bucket", reason=HOSTILE, since=now, seen_at=now)
            for consumer in consumers
        ],
    )


def drawn(width: int, height: int, *, away: Away | None = None) -> list[str]:
    file = StringIO()
    console = Console(file=file, width=width, height=height)
    look = Look(overview=busy(), at=NOON + timedelta(seconds=5))
    console.print(view_of(look, away=away, height=height, every=2))
    return file.getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), [(60, 24), (80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("away", [None, Away(since=NOON, reason=HOSTILE)])
def test_it_fits_into_the_terminal_and_nothing_written_by_others_steers_it(
    width: int, height: int, away: Away | None
) -> None:
    lines = drawn(width, height, away=away)

    assert len(lines) < height
    assert max(len(line) for line in lines) <= width
    assert {sign for line in lines for sign in line if not sign.isprintable()} == set()
    text = "\n".join(lines)
    titles = ("PAUSED 30", "CONSUMERS ALIVE 30", "LAST FAILED ATTEMPTS", "LONGEST WAITING CUSTOMERS")
    assert [title for title in titles if title not in text] == []
    assert "more" in text
    assert ("database away since 12:00:00 UTC: ?[2J??[bold]" in lines[1]) == bool(away)


def test_each_number_that_is_not_counted_to_the_end_says_so() -> None:
    _, _, ended, due, *_ = drawn(120, 40)

    assert ended.split("ended  ")[1].strip() == "9,999 in 1 min  at least 20,000 in 5 min  at least 20,000 in 15 min"
    assert due.split("due    ")[1].strip() == "express 0  normal at least 20,000, oldest at least 5.0 s"


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


@pytest.fixture(name="at_work")
def _at_work(here: Installation) -> str:
    """The name of a consumer that is alive, with a job; another one waits."""

    async def fill() -> str:
        store = await here.open_store()
        await submit(store, await seed_files(store, await seed_order(store), 3), now=datetime.now(UTC))
        taken = await claim(store, datetime.now(UTC))
        now, later = datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1)
        await store.retry_later(taken, error="storage_unavailable: busy", run_after=later, now=now)
        taken = await store.claim_next(now=datetime.now(UTC), holder="web-1:7:abc")
        await store.close()
        assert taken is not None
        return taken.job.id

    return asyncio.run(fill())


def run(here: Installation, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str], words: str) -> Ended:
    patch.setenv("COLUMNS", "100")
    return run_here(patch, output, words, {"EDITQUEUE_DATA_DIR": str(here.folder)})


def test_without_a_terminal_it_looks_once(
    here: Installation, at_work: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(here, monkeypatch, capsys, "top")

    assert told.code == 0
    assert "jobs   queued 2  in_progress 1  done 0  failed 0" in told.out
    assert re.search(r"normal 1, oldest \d", told.out)
    assert "web-1:7:abc (no lock)" in told.out
    assert "storage_unavailable: busy" in told.out
    assert "anna  2 jobs" in told.out
    assert "\x1b" not in told.out


async def test_a_script_gets_everything_as_one_document(here: Installation, at_work: str) -> None:
    async with holding(f"sqlite:///{here.folder}/editqueue.db") as alive:
        told = await asyncio.to_thread(here.run, "top", "--json")

    facts = told.json()
    assert facts["consumers"] == [alive.consumer]
    assert [job["job_id"] for job in facts["running"]] == [at_work]
    assert [one["error"] for one in facts["failures"]] == ["storage_unavailable: busy"]
    assert facts["ended"] == {**dict.fromkeys(SPANS, 0), "is_all": dict.fromkeys(SPANS, True)}
    lanes = [(lane["lane"], lane["due"], lane["is_all"]) for lane in facts["lanes"]]
    assert lanes == [("express", 0, True), ("normal", 1, True)]
    assert (facts["customers"][0]["jobs"], facts["paused"]) == (2, [])


class Flickering:
    """A store whose database is away at the second look, and back at the third."""

    def __init__(self, answers: list[Callable[[], Overview]], stop: asyncio.Event) -> None:
        self._answers, self._stop = answers, stop

    async def overview(self, *, now: datetime) -> Overview:
        answer = self._answers.pop(0)
        if not self._answers:
            self._stop.set()
        return answer()


async def test_it_outlives_a_database_that_is_away_and_says_so() -> None:
    def away() -> Overview:
        raise StorageUnavailable("database: connection refused")

    stop, file = asyncio.Event(), StringIO()
    store = cast("JobStore", Flickering([busy, away, busy, busy], stop))

    await watch(store, Console(file=file, force_terminal=True, width=100, height=30), stop, every=0.001)

    first, second, third, *_ = [part for part in file.getvalue().split("editqueue top") if "jobs" in part]
    assert "away" not in first
    assert "database away since" in second
    assert "connection refused" in second
    assert "away" not in third


def test_ctrl_c_ends_it_well_and_gives_the_terminal_back(here: Installation, at_work: str) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(command([])[0], command(["top"]), here.environment | {"TERM": "xterm"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    said = _read_until(terminal, b"LONGEST WAITING")
    os.write(terminal, b"\x03")
    said += _read_until(terminal, b"\x1b[?1049l")
    _, status = os.waitpid(process, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 0
    assert said.count(b"\x1b[?1049h") == 1
    assert b"Traceback" not in said


def _read_until(terminal: int, wanted: bytes) -> bytes:
    said, until = b"", time.monotonic() + PATIENCE
    while wanted not in said:
        assert time.monotonic() < until, said
        said += os.read(terminal, 65_536)
    return said
