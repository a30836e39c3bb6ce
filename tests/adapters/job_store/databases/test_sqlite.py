"""SQLite's write lock is held by another process, or a statement does not end: everybody is told in time."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Integer, column, select, table, text

from editqueue.adapters.job_store.databases import sqlite
from editqueue.adapters.job_store.databases.database import StatementRefused
from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.domain.errors import StorageUnavailable

WRITE = once(text("INSERT INTO t VALUES (1)"))
VALUE = column("v", Integer)
READ = once(select(VALUE).select_from(table("t")).order_by(VALUE))
ENDLESS = once(
    text("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
)
MOMENT = timedelta(seconds=1)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture(name="database")
async def _database(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteDatabase]:
    """Of little patience."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    monkeypatch.setattr(sqlite, "GROUP_SECONDS", 0.3)
    opened = open_database(f"sqlite:///{path}")
    assert isinstance(opened, SqliteDatabase)
    await opened.run(once(text("CREATE TABLE t (v INTEGER)")))
    yield opened
    await opened.close()


@pytest.fixture(name="other")
def _other(path: Path, database: SqliteDatabase) -> Iterator[sqlite3.Connection]:
    """Another connection to the same file; it holds the write lock."""
    del database  # which makes the file
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


async def _values(database: SqliteDatabase) -> list[object]:
    [rows] = await database.run(READ)
    return [row["v"] for row in rows]


@pytest.mark.usefixtures("other")
async def test_writers_in_line_all_end_within_the_time_of_one(database: SqliteDatabase) -> None:
    begun = time.monotonic()
    ends = await asyncio.gather(*[database.run(WRITE) for _ in range(10)], return_exceptions=True)

    assert [type(end) for end in ends] == [StatementRefused] * 10
    assert time.monotonic() - begun < 1


async def test_a_lock_that_is_let_go_in_time_is_waited_for(
    database: SqliteDatabase, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "GROUP_SECONDS", 10)
    writing = asyncio.create_task(database.run(WRITE))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(writing), timeout=0.2)
    other.execute("ROLLBACK")

    await writing
    assert await _values(database) == [1]


async def test_who_is_cancelled_while_the_lock_is_held_keeps_nobody_waiting(
    database: SqliteDatabase, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "GROUP_SECONDS", 60)
    writing = [asyncio.create_task(database.run(WRITE)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in writing:
        task.cancel()

    begun = time.monotonic()
    ends = await asyncio.gather(*writing, return_exceptions=True)
    other.execute("ROLLBACK")
    await database.run(once(text("INSERT INTO t VALUES (2)")))

    assert [type(end) for end in ends] == [asyncio.CancelledError] * 3
    assert await _values(database) == [2]
    assert time.monotonic() - begun < 1


async def test_reading_goes_on_while_the_lock_is_held(database: SqliteDatabase, other: sqlite3.Connection) -> None:
    other.execute("INSERT INTO t VALUES (7)")

    assert await _values(database) == []


@pytest.mark.usefixtures("other")
async def test_closing_waits_for_no_lock(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "GROUP_SECONDS", 60)
    writing = [asyncio.create_task(database.run(WRITE)) for _ in range(3)]
    await asyncio.sleep(0)

    begun = time.monotonic()
    await database.close()

    assert time.monotonic() - begun < 1
    ends = await asyncio.gather(*writing, return_exceptions=True)
    assert [str(end) for end in ends] == ["database: it is being closed"] * 3


async def test_closing_interrupts_a_statement_that_does_not_end(
    database: SqliteDatabase, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CLOSING_SECONDS", 0.1)
    writing = asyncio.create_task(database.run(WRITE, ENDLESS, ENDLESS))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(writing), timeout=0.2)

    await database.close()

    with pytest.raises(StorageUnavailable, match="interrupted"):
        await writing
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT v FROM t").fetchall() == []


async def test_whoever_comes_after_the_close_is_told_so(database: SqliteDatabase) -> None:
    await database.close()

    with pytest.raises(StorageUnavailable, match="being closed"):
        await database.run(READ)
    with pytest.raises(StorageUnavailable, match="being closed"):
        await database.probe()


async def test_a_probe_tells_the_kernels_time_whatever_the_process_believes(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = datetime.now(UTC)
    monkeypatch.setattr(time, "time", lambda: 0.0)

    assert before - MOMENT < await database.probe() < datetime.now(UTC) + MOMENT


@pytest.mark.usefixtures("other")
async def test_a_probe_fails_while_the_lock_is_held(database: SqliteDatabase) -> None:
    with pytest.raises(StorageUnavailable, match="locked"):
        await database.probe()


@pytest.mark.usefixtures("other")
async def test_a_probe_has_an_end_of_its_own(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "GROUP_SECONDS", 60)
    monkeypatch.setattr("editqueue.adapters.job_store.databases.engine.PROBE_SECONDS", 0.2)

    with pytest.raises(StorageUnavailable, match="cannot be written"):
        await database.probe()


async def test_a_probe_fails_on_a_full_disk(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_full_disk(**_: Any) -> Any:
        return Path("/dev/full").open("wb", buffering=0)

    monkeypatch.setattr(tempfile, "TemporaryFile", on_a_full_disk)

    with pytest.raises(StorageUnavailable, match="No space left"):
        await database.probe()


async def test_a_probe_fails_when_the_file_is_no_longer_there(database: SqliteDatabase, path: Path) -> None:
    path.rename(path.with_suffix(".away"))

    with pytest.raises(StorageUnavailable, match="put it back"):
        await database.probe()


async def test_a_probe_leaves_nothing_behind(database: SqliteDatabase, tmp_path: Path) -> None:
    await database.probe()

    assert {file.name for file in tmp_path.iterdir()} == {"x.db", "x.db-wal", "x.db-shm"}
    assert await _values(database) == []


@pytest.mark.parametrize("instead", ["nothing", "another database"])
async def test_a_file_that_is_away_answers_nothing_and_takes_nothing_until_it_is_back(
    database: SqliteDatabase, path: Path, tmp_path: Path, instead: str
) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    await database.run(WRITE)
    path.rename(elsewhere)
    if instead == "another database":
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE t (v INTEGER)")

    for statement in (READ, WRITE):
        with pytest.raises(StorageUnavailable, match="put it back"):
            await database.run(statement)
    with pytest.raises(StorageUnavailable, match="put it back"):
        await database.probe()
    assert path.exists() == (instead != "nothing"), "a missing database is not made anew"

    elsewhere.rename(path)
    assert await _values(database) == [1]


async def test_a_connection_of_a_time_when_nobody_could_write_is_not_used_again(
    database: SqliteDatabase, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite opens such a file to read, and a connection stays what it was opened as. Root may write to any file."""
    connect = sqlite.connect

    def connected(path: Path, *, busy_timeout_ms: int) -> sqlite3.Connection:
        connection = connect(path, busy_timeout_ms=busy_timeout_ms)
        connection.execute("PRAGMA query_only = ON")
        return connection

    await database.close()
    opened = open_database(f"sqlite:///{path}")
    assert isinstance(opened, SqliteDatabase)
    monkeypatch.setattr(sqlite, "connect", connected)
    with pytest.raises(StorageUnavailable, match="readonly"):
        await opened.run(WRITE)

    monkeypatch.setattr(sqlite, "connect", connect)
    await opened.run(WRITE)

    assert await _values(opened) == [1]
    await opened.close()
