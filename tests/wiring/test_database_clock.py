"""The clock that follows the database, whatever this machine's own clock says."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from devtools.databases import NewDatabase
from devtools.patience import PATIENCE
from devtools.seeds import NOON
from devtools.world import RecordingJournal, SteppingClock
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.domain.errors import StorageUnavailable
from editqueue.wiring import database_clock
from editqueue.wiring.database_clock import DatabaseClock, SkewWatch, clock_of, elapsed, running_clock
from editqueue.wiring.system_clock import SystemClock

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@dataclass
class Room:
    """Time passes for everybody in it, but the system's clock may be set."""

    passed: timedelta = timedelta(days=3)
    system: SteppingClock = field(default_factory=SteppingClock)
    there: timedelta = timedelta(0)
    """How long a question is under way."""
    back: timedelta = timedelta(0)
    away: bool = False
    database: datetime = NOON

    def wait(self, step: timedelta) -> None:
        self.passed += step
        self.system.advance(step)
        self.database += step

    def elapsed(self) -> timedelta:
        return self.passed

    async def probe(self) -> datetime:
        if self.away:
            raise StorageUnavailable("away")
        self.wait(self.there)
        told = self.database
        self.wait(self.back)
        return told

    def clock(self) -> DatabaseClock:
        return DatabaseClock(self.probe, system=self.system, elapsed=self.elapsed)


@pytest.fixture(name="room")
def _room() -> Room:
    return Room()


@pytest.mark.parametrize("wrong", [-HOUR, 2 * HOUR, timedelta(days=91)])
async def test_a_system_clock_that_is_wrong_or_jumps_changes_nothing(room: Room, wrong: timedelta) -> None:
    room.system.advance(wrong)
    clock = room.clock()

    assert await clock.ask() == wrong
    assert clock.now() == NOON
    room.system.advance(-3 * HOUR)
    room.wait(SECOND)
    assert clock.now() == NOON + SECOND


async def test_it_counts_on_while_the_database_is_away(room: Room) -> None:
    clock = room.clock()
    await clock.ask()
    room.away = True
    room.wait(HOUR)

    with pytest.raises(StorageUnavailable):
        await clock.ask()
    assert clock.now() == NOON + HOUR


async def test_half_of_the_way_is_taken_off(room: Room) -> None:
    room.there = room.back = 2 * SECOND
    clock = room.clock()
    await clock.ask()

    assert clock.now() == room.database


async def test_a_slow_answer_spoils_no_clock_that_was_set_by_a_fast_one(room: Room) -> None:
    clock = room.clock()
    await clock.ask()
    room.back = 4 * SECOND
    await clock.ask()

    assert clock.now() == room.database


async def test_it_follows_a_database_whose_clock_is_set(room: Room) -> None:
    clock = room.clock()
    await clock.ask()
    room.database += HOUR
    await clock.ask()

    assert clock.now() == NOON + HOUR


async def test_before_the_first_answer_it_tells_no_time(room: Room) -> None:
    with pytest.raises(StorageUnavailable, match="has not told its time yet"):
        room.clock().now()


def test_a_skew_is_said_once_and_again_when_it_changes_much() -> None:
    journal, reported = RecordingJournal(), list[float]()
    watch = SkewWatch(journal, reported.append)

    for seconds in (0, 29, 40, 45, 60, 90, 85, 0, 40, -40):
        watch.see(timedelta(seconds=seconds))

    assert journal.warnings == ["clock_skew"] * 4
    assert reported == [0, 29, 40, 45, 60, 90, 85, 0, 40, -40]


async def test_while_it_runs_it_asks_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_clock, "ASK_EVERY", 0.0)
    monkeypatch.setattr(database_clock, "ASK_AGAIN", 0.0)
    room.away = True
    journal = RecordingJournal()
    async with running_clock(room.probe, journal=journal, system=room.system) as clock:
        room.system.advance(HOUR)
        room.away = False
        async with asyncio.timeout(PATIENCE):
            while not journal.warnings:  # noqa: ASYNC110  # the clock runs in a task of its own
                await asyncio.sleep(0)

        assert abs(clock.now() - NOON) < 10 * SECOND

    assert [str(error) for _, error in journal.errors] == ["away"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture(name="system_two_hours_ahead")
def _system_two_hours_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    right = SystemClock.now

    def ahead(clock: SystemClock) -> datetime:
        return right(clock) + 2 * HOUR

    monkeypatch.setattr(SystemClock, "now", ahead)


@pytest.mark.usefixtures("system_two_hours_ahead")
async def test_a_command_goes_by_the_database(new_database: NewDatabase) -> None:
    store = await open_store(new_database())

    clock = await clock_of(store.probe)

    assert abs(clock.now() + 2 * HOUR - SystemClock().now()) < 10 * SECOND
    await store.close()


def test_what_has_passed_only_grows() -> None:
    assert elapsed() <= elapsed()
