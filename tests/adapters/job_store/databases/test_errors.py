"""What is wrong with us comes out as it is; what is wrong with the database is StorageUnavailable."""

import sqlite3
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text

from devtools.databases import NewDatabase, new_postgres
from devtools.seeds import NOON
from editqueue.adapters.job_store.databases import sqlite
from editqueue.adapters.job_store.databases.d1 import D1Database
from editqueue.adapters.job_store.databases.engine import EngineDatabase
from editqueue.adapters.job_store.databases.postgres import PostgresDatabase
from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.databases.statement import Statement, once
from editqueue.adapters.job_store.opening.open_store import open_database, open_store
from editqueue.adapters.job_store.schema import files
from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.files import Order

DRIVERS = (sqlite3.Error, psycopg.Error)
"""What a defect comes out as."""


@pytest.fixture
async def database(new_database: NewDatabase) -> AsyncIterator[EngineDatabase]:
    opened = open_database(new_database())
    yield opened
    await opened.close()


@pytest.fixture
async def postgres() -> AsyncIterator[PostgresDatabase]:
    with new_postgres() as new:
        opened = open_database(new())
        assert isinstance(opened, PostgresDatabase)
        yield opened
        await opened.close()


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (once(text("SELECT FROM WHERE")), DRIVERS),
        (once(text("SELECT no_such_column FROM files")), DRIVERS),
        (once(select(files.c.id).where(files.c.name == object())), DRIVERS),
        (once(text("SELECT :forgotten")), TypeError),
    ],
    ids=["syntax", "column", "value", "parameter"],
)
async def test_a_wrong_statement_is_no_outage(
    database: EngineDatabase, statement: Statement, error: type[Exception] | tuple[type[Exception], ...]
) -> None:
    with pytest.raises(error):
        await database.run(statement)

    assert await database.run(once(text("SELECT 1 AS n"))) == [[{"n": 1}]]


async def test_a_table_that_was_taken_away_is_an_outage(database: EngineDatabase) -> None:
    with pytest.raises(StorageUnavailable, match="no_such_table"):
        await database.run(once(text("SELECT * FROM no_such_table")))


async def test_a_right_that_was_taken_away_is_an_outage(postgres: PostgresDatabase) -> None:
    with pytest.raises(StorageUnavailable, match="permission denied"):
        await postgres.run(once(text("SET LOCAL ROLE pg_monitor")), once(text("SELECT * FROM files")))


async def test_what_postgresql_cannot_store_is_no_outage(postgres: PostgresDatabase) -> None:
    with pytest.raises(psycopg.DataError, match="0x00"):
        await postgres.run(once(select(files.c.id).where(files.c.name == "\x00")))
    with pytest.raises(psycopg.DataError):
        await postgres.run(once(text("SELECT CAST(:number AS bigint)").bindparams(number="seven")))


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(sqlite, "GROUP_SECONDS", 0.1)
    path = tmp_path / "locked.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        yield f"sqlite:///{path}"


@pytest.fixture
def garbage(tmp_path: Path) -> str:
    path = tmp_path / "garbage.db"
    path.write_bytes(b"no database at all" * 1000)
    return f"sqlite:///{path}"


@pytest.mark.parametrize(("file", "said"), [("locked", "locked"), ("garbage", "not a database")])
async def test_a_file_that_sqlite_cannot_use_is_an_outage(request: pytest.FixtureRequest, file: str, said: str) -> None:
    database = open_database(request.getfixturevalue(file))
    assert isinstance(database, SqliteDatabase)

    with pytest.raises(StorageUnavailable, match=said):
        await database.run(once(text("CREATE TABLE t (v INTEGER)")))

    await database.close()


class Binding:
    """D1, of which one of the two steps may have a defect of ours."""

    def __init__(self, *, fails: str | None = None) -> None:
        self.fails = fails

    def prepare(self, query: str) -> "Binding":
        return self

    def bind(self, *parameters: object) -> "Binding":
        return self._after("bind")

    async def batch(self, statements: object) -> Any:
        return self._after("batch")

    def _after(self, step: str) -> "Binding":
        if step == self.fails:
            raise TypeError("ours")
        return self


@pytest.mark.parametrize("step", ["bind", "batch"])
async def test_of_d1_only_what_javascript_raises_is_translated(step: str) -> None:
    with pytest.raises(TypeError, match="ours"):
        await D1Database(Binding(fails=step)).run(once(select(files.c.id)))


async def test_a_defect_says_nothing_of_what_customers_wrote(new_database: NewDatabase) -> None:
    store = await open_store(new_database())
    broken: Any = object()
    order = Order(id="o", user_id="anna", title="Tuercode 1234", shootcode=broken, notes="geheim", created_at=NOON)

    with pytest.raises(DRIVERS) as caught:
        await store.create_order(order)
    await store.close()

    said = "".join(traceback.format_exception(caught.value))
    assert "Tuercode" not in said
    assert "geheim" not in said
