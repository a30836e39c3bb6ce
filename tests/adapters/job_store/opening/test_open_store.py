"""A store that cannot be opened leaves nothing open behind."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from devtools.databases import new_sqlite
from editqueue.adapters.job_store.databases.database_url import DatabaseUrl
from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.opening import migrate
from editqueue.adapters.job_store.opening import open_store as opening
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.domain.errors import SetupError


class Watched(SqliteDatabase):
    """Counts the databases that are open."""

    open = 0

    def __init__(self, url: DatabaseUrl) -> None:
        super().__init__(url)
        Watched.open += 1

    async def close(self) -> None:
        await super().close()
        Watched.open -= 1


@pytest.fixture(autouse=True)
def _watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watched, "open", 0)
    monkeypatch.setattr(opening, "SqliteDatabase", Watched)


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("sqlite-")}


async def test_a_migration_that_fails_leaves_no_thread_and_no_connection(tmp_path: Path) -> None:
    path = tmp_path / "blog.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE VIEW orders AS SELECT 1")
    before = _threads()

    with pytest.raises(SetupError, match="already exists"):
        await open_store(f"sqlite:///{path}", migrate=True)

    assert Watched.open == 0
    assert _threads() == before


async def test_a_defect_in_a_migration_comes_out_as_it_is_and_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise TypeError("ours")

    monkeypatch.setattr(migrate, "upgrade", broken)

    with pytest.raises(TypeError, match="ours"):
        await open_store(f"sqlite:///{tmp_path}/new.db", migrate=True)

    assert Watched.open == 0


async def test_an_old_schema_leaves_nothing_open(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="editqueue migrate"):
        await open_store(f"sqlite:///{tmp_path}/new.db")

    assert Watched.open == 0


async def test_a_store_that_was_opened_stays_open(tmp_path: Path) -> None:
    store = await open_store(new_sqlite(tmp_path))

    assert Watched.open == 1
    await store.close()
