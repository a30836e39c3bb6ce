"""A group of statements that is cancelled changes nothing, says so, and is in nobody's way afterwards."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from editqueue.adapters.job_store.databases import sqlite, sqlite_connection
from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database

SLOW = once(
    text(
        "INSERT INTO t SELECT count(*) FROM "
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT i FROM n)"
    )
)
LAST = once(text("INSERT INTO t VALUES (1)"))
"""Writes take turns: when this one has had its own, those before it are over."""


class Statements:
    """Tells when the database begins with a statement, from whichever thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun: asyncio.Queue[str] = asyncio.Queue()

    def see(self, statement: str) -> None:
        self._loop.call_soon_threadsafe(self._begun.put_nowait, statement)

    async def until(self, words: str) -> None:
        while words not in await self._begun.get():
            pass


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
async def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    watching = Statements()

    def connect(path: Path, *, busy_timeout_ms: int) -> sqlite3.Connection:
        connection = sqlite_connection.connect(path, busy_timeout_ms=busy_timeout_ms)
        connection.set_trace_callback(watching.see)
        return connection

    monkeypatch.setattr(sqlite, "connect", connect)
    return watching


@pytest.fixture
async def database(path: Path, statements: Statements) -> AsyncIterator[SqliteDatabase]:
    opened = open_database(f"sqlite:///{path}")
    assert isinstance(opened, SqliteDatabase)
    await opened.run(once(text("CREATE TABLE t (v INTEGER)")))
    yield opened
    await opened.close()


async def _values(database: SqliteDatabase) -> list[object]:
    await database.run(LAST)
    [rows] = await database.run(once(text("SELECT v FROM t")))
    return [row["v"] for row in rows]


async def test_a_cancelled_group_is_cancelled_and_gone(database: SqliteDatabase, statements: Statements) -> None:
    for _ in range(3):
        task = asyncio.create_task(database.run(SLOW, SLOW))
        await statements.until("INSERT")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert await _values(database) == [1]


async def test_a_group_that_is_cancelled_in_line_never_begins(database: SqliteDatabase, statements: Statements) -> None:
    first = asyncio.create_task(database.run(SLOW))
    await statements.until("INSERT")
    second = asyncio.create_task(database.run(once(text("INSERT INTO no_such_table VALUES (1)"))))
    await asyncio.sleep(0)
    second.cancel()

    with pytest.raises(asyncio.CancelledError):
        await second
    await first
    assert await _values(database) == [300000, 1]


async def test_closing_waits_for_groups_under_way(database: SqliteDatabase, statements: Statements, path: Path) -> None:
    writing = asyncio.create_task(database.run(SLOW))
    await statements.until("INSERT")

    await database.close()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT v FROM t").fetchall() == [(300000,)]
    await writing
