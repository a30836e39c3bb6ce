"""A migration of a database at work: killed at any moment it is gone on with, and nobody waits long for it."""

import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from devtools.databases import NewDatabase, empty_database, new_postgres
from devtools.history import Size, load
from devtools.patience import PATIENCE
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening import migrate
from editqueue.adapters.job_store.opening.migrate import MIGRATION_LOCK, upgrade
from editqueue.adapters.job_store.opening.open_store import migrate_schema, open_database
from editqueue.adapters.job_store.opening.revisions import newest_revision, read_schema
from editqueue.domain.errors import SetupError

ROWS = Size(finished=60, queued=60, files=120)
MOMENTS = 12
"""In which a process can die, at least."""
WRITES_BESIDE = 3
A_MOMENT_MS = 1_000
COUNTED = """SELECT (SELECT count(*) FROM edit_jobs WHERE status = 'done') AS jobs_done,
  (SELECT count(*) FROM edit_jobs WHERE status = 'failed') AS jobs_failed,
  (SELECT count(*) FROM files WHERE deleted_at IS NULL) AS files_there,
  (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'uploaded') AS files_uploaded,
  (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'done') AS files_done,
  (SELECT count(*) FROM files WHERE deleted_at IS NULL AND status = 'failed') AS files_failed"""
KEPT = """SELECT sum(jobs_done) AS jobs_done, sum(jobs_failed) AS jobs_failed, sum(files_there) AS files_there,
  sum(files_uploaded) AS files_uploaded, sum(files_done) AS files_done, sum(files_failed) AS files_failed
FROM counts"""
DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
    "postgresql": """SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT relname::text, array_to_string(reloptions, ',') FROM pg_class WHERE reloptions IS NOT NULL""",
}
MAKING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'"
UNUSABLE = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"


@pytest.fixture(name="postgres_url")
def _postgres_url(tmp_path: Path) -> Iterator[str]:
    with empty_database("postgresql", tmp_path) as url:
        yield url


async def at_revision(url: str, revision: str) -> str:
    """With rows in it."""
    database = open_database(url, command_seconds=None)
    await database.with_connection(partial(upgrade, to=revision))
    await load(database, ROWS, moment=1_790_000_000_000, without={"attempts"})
    await database.close()
    return url


async def definitions(url: str) -> set[tuple[str, str]]:
    """Of indexes, triggers and functions, and on SQLite of tables."""

    def read(connection: Connection) -> set[tuple[str, str]]:
        rows = connection.execute(text(DEFINITIONS[connection.dialect.name]))
        return {(str(name), str(definition)) for name, definition in rows}

    database = open_database(url)
    found = await database.with_connection(read)
    await database.close()
    return found


async def test_a_migration_killed_at_each_of_its_steps_gets_to_the_end_with_counts_that_are_right(
    new_database: NewDatabase, postgres_url: str, tmp_path: Path
) -> None:
    new = new_database()
    on_sqlite = new.startswith("sqlite")
    url = await at_revision(f"sqlite:///{tmp_path}/old.db" if on_sqlite else postgres_url, "0001")

    killed = await asyncio.to_thread(_kill_again_and_again, url)

    assert killed >= MOMENTS
    database = open_database(url)
    [[counted], [kept]] = await database.run(once(text(COUNTED)), once(text(KEPT)))
    assert (await database.with_connection(read_schema)).revision == newest_revision()
    await database.close()
    assert kept == counted
    assert await definitions(url) == await definitions(new)


def _kill_again_and_again(url: str) -> int:
    words = [sys.executable, "-m", "tests.adapters.job_store.opening.killed_migrations", url]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


async def test_several_may_migrate_an_old_database_at_once(
    new_database: NewDatabase, postgres_url: str, tmp_path: Path
) -> None:
    new = new_database()
    url = await at_revision(f"sqlite:///{tmp_path}/old.db" if new.startswith("sqlite") else postgres_url, "0001")

    assert set(await asyncio.gather(*(migrate_schema(url) for _ in range(3)))) == {newest_revision()}

    assert await definitions(url) == await definitions(new)


async def test_an_index_whose_making_was_killed_is_made_anew(postgres_url: str) -> None:
    await at_revision(postgres_url, "0001")
    words = [sys.executable, "-m", "editqueue.entrypoints.cli", "migrate"]
    settings = {**os.environ, "EDITQUEUE_DATABASE_URL": postgres_url, "JWT_SECRET": "s" * 32}

    async with await psycopg.AsyncConnection.connect(postgres_url) as at_work:
        await at_work.execute("UPDATE edit_jobs SET status = status")
        migrating = await asyncio.create_subprocess_exec(*words, env=settings)
        await _until(postgres_url, f"{MAKING} AND wait_event_type = 'Lock'")
        migrating.kill()
        await migrating.wait()
        await _rows(postgres_url, f"SELECT pg_terminate_backend(pid) {MAKING.removeprefix('SELECT 1')}")
        await _until(postgres_url, f"SELECT 1 WHERE NOT EXISTS ({MAKING})")
        assert await _rows(postgres_url, UNUSABLE) == [("jobs_done",)]
        await at_work.rollback()
    assert await migrate_schema(postgres_url) == newest_revision()

    assert await _rows(postgres_url, UNUSABLE) == []
    with new_postgres() as new:
        assert await definitions(postgres_url) == await definitions(new())


async def test_nobody_waits_long_behind_a_migration_that_waits_for_somebody(postgres_url: str) -> None:
    await at_revision(postgres_url, "0003")

    async with (
        await psycopg.AsyncConnection.connect(postgres_url) as reading,
        await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as writing,
    ):
        await reading.execute("SELECT count(*) FROM edit_jobs")
        await writing.execute(f"SET lock_timeout = {A_MOMENT_MS}".encode())
        migrating = asyncio.create_task(migrate_schema(postgres_url))
        for _ in range(WRITES_BESIDE):
            await _until(postgres_url, "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
            await writing.execute("UPDATE edit_jobs SET status = status")
        assert not migrating.done()
        await reading.rollback()
        assert await migrating == newest_revision()


async def test_a_migration_that_never_gets_its_locks_says_so_and_has_changed_nothing(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_revision(postgres_url, "0003")
    monkeypatch.setattr(migrate, "TRIES", 2)

    async with await psycopg.AsyncConnection.connect(postgres_url) as reading:
        await reading.execute("SELECT count(*) FROM edit_jobs")
        with pytest.raises(SetupError, match=r"to revision 0004: somebody held a table .* `editqueue migrate` again"):
            await migrate_schema(postgres_url)

    assert await _rows(postgres_url, "SELECT version_num FROM alembic_version") == [("0003",)]


async def test_now_and_then_a_migration_waits_as_long_as_the_server_takes_to_end_an_autovacuum(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_revision(postgres_url, "0003")
    monkeypatch.setattr(migrate, "PATIENT_EVERY", 2)
    [(deadlock_timeout,)] = await _rows(postgres_url, "SHOW deadlock_timeout")

    async with await psycopg.AsyncConnection.connect(postgres_url) as reading:
        await reading.execute("SELECT count(*) FROM edit_jobs")
        migrating = asyncio.create_task(migrate_schema(postgres_url))
        await _until(postgres_url, f"SELECT 1 FROM pg_locks WHERE now() - waitstart > interval '{deadlock_timeout}'")
        await reading.rollback()
        assert await migrating == newest_revision()


async def test_a_migration_that_waits_for_another_for_too_long_says_for_whom(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "TRIES_AT_BEING_ALONE", 2)

    async with await psycopg.AsyncConnection.connect(postgres_url) as other:
        await other.execute(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})".encode())
        with pytest.raises(SetupError, match=rf"another `editqueue migrate` .* \(pid {other.info.backend_pid} in"):
            await migrate_schema(postgres_url)

    assert await migrate_schema(postgres_url) == newest_revision()


async def test_where_folders_cannot_be_locked_a_database_is_made_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, kind: int) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(migrate.fcntl, "flock", no_locks)

    assert await migrate_schema(f"sqlite:///{tmp_path}/new.db") == newest_revision()


async def _until(url: str, asked: str) -> None:
    """Until `asked` has rows."""
    async with asyncio.timeout(PATIENCE):
        while not await _rows(url, asked):  # noqa: ASYNC110  # the server tells of no such moment
            await asyncio.sleep(0.02)


async def _rows(url: str, asked: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as looking:
        return await (await looking.execute(asked.encode())).fetchall()
