"""Migrations, schema and the plans of the hot queries."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, update

from devtools.databases import NewDatabase, new_postgres
from devtools.patience import PATIENCE
from devtools.seeds import NOON, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.databases.constructs import given_text, given_truth
from editqueue.adapters.job_store.databases.sqlite import DIALECT
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.opening.migrate import alembic_config
from editqueue.adapters.job_store.opening.open_store import migrate_schema, open_database, open_store
from editqueue.adapters.job_store.opening.revisions import newest_revision
from editqueue.adapters.job_store.schema import job_starts, jobs, metadata
from editqueue.adapters.job_store.statements import submissions
from editqueue.adapters.job_store.statements.claim import COUNT, LOCK, TAKE
from editqueue.adapters.job_store.statements.row_locks import active_jobs, lock_files
from editqueue.domain.errors import SetupError
from editqueue.ports.job_store import JobQuery

FAIR_ORDER = submissions.fair_order(given_text("user_id"), given_truth("express"))


@pytest.fixture
async def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/store.db"
    await migrate_schema(url)
    return url


def test_the_newest_revision_by_the_names_of_files_is_alembics() -> None:
    assert newest_revision() == ScriptDirectory.from_config(alembic_config()).get_current_head()


async def test_the_migrated_schema_is_the_declared_one(new_database: NewDatabase) -> None:
    url = new_database()
    postgres = url.startswith("postgresql")

    def is_table(_thing: object, name: str | None, *_: object) -> bool:
        return not (postgres and name == job_starts.name)

    def differences(connection: Connection) -> tuple[object, set[str], Sequence[str]]:
        context = MigrationContext.configure(connection, opts={"include_object": is_table})
        there = inspect(connection)
        indexes = {str(one["name"]) for table in there.get_table_names() for one in there.get_indexes(table)}
        return compare_metadata(context, metadata), indexes, there.get_sequence_names() if postgres else []

    database = open_database(url)
    found, indexes, sequences = await database.with_connection(differences)
    await database.close()

    assert found == []
    assert indexes >= {index.name for table in metadata.tables.values() for index in table.indexes}
    assert sequences == ([job_starts.name] if postgres else [])


async def test_a_database_of_the_version_before_is_refused_and_brought_up_to_date_with_its_jobs(
    new_database: NewDatabase,
) -> None:
    url = new_database()
    store = await open_store(url)
    files = await seed_files(store, await seed_order(store), 1)
    await submit(store, files)
    await store.close()
    database = open_database(url)
    await database.with_connection(_step_back)
    await database.close()

    with pytest.raises(SetupError, match=r"is at revision 0002, .* run `editqueue migrate`"):
        await open_store(url)
    store = await open_store(url, migrate=True)

    assert (await claim(store)).file.id == files[0].id
    await store.close()


async def test_a_database_steps_back_with_jobs_that_share_the_token_of_their_claim(new_database: NewDatabase) -> None:
    url = new_database()
    store = await open_store(url)
    await submit(store, await seed_files(store, await seed_order(store), 2))
    claimed = [(await claim(store)).job.id for _ in range(2)]
    await store.close()

    def share_a_token_and_step_back(connection: Connection) -> None:
        connection.execute(update(jobs).where(jobs.c.id.in_(claimed)).values(token="of one statement"))
        _step_back(connection)

    database = open_database(url)
    await database.with_connection(share_a_token_and_step_back)
    await database.close()
    store = await open_store(url, migrate=True)

    assert [job.status for job in await store.jobs(JobQuery(limit=10))] == ["in_progress", "in_progress"]
    await store.close()


def _step_back(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.downgrade(config, "0002")
    connection.commit()


async def test_a_program_at_work_is_no_deadlock_for_a_migration() -> None:
    with new_postgres() as new:
        url = new()
        store = await open_store(url)
        await submit(store, await seed_files(store, await seed_order(store), 1))
        await store.close()
        database = open_database(url)
        await database.with_connection(_step_back)
        await database.close()

        async with await psycopg.AsyncConnection.connect(url) as at_work:
            await at_work.execute("SELECT id FROM files FOR UPDATE")
            migrating = asyncio.create_task(migrate_schema(url))
            await _until_somebody_waits(url)
            await at_work.execute("UPDATE edit_jobs SET status = status")
            await at_work.commit()
            assert await migrating == newest_revision()


async def _until_somebody_waits(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as looking, asyncio.timeout(PATIENCE):
        while not (await (await looking.execute("SELECT 1 FROM pg_locks WHERE NOT granted")).fetchall()):  # noqa: ASYNC110  # the server tells of no such moment
            await asyncio.sleep(0.02)


async def test_an_old_schema_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="editqueue migrate"):
        await open_store(f"sqlite:///{tmp_path}/store.db")


async def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"EDITQUEUE_DATABASE_URL.*missing/store.db"):
        await open_store(f"sqlite:///{tmp_path}/missing/store.db")


async def test_an_unknown_kind_of_database_is_refused() -> None:
    with pytest.raises(SetupError, match="EDITQUEUE_DATABASE_URL: mysql"):
        await open_store("mysql://localhost/x")


async def test_several_processes_may_migrate_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"

    assert set(await asyncio.gather(*(migrate_schema(url) for _ in range(4)))) == {newest_revision()}


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("count of starts", COUNT.bind(moment=0)),
        ("claim", TAKE.bind(moment=0, token="t", holder=None)),
        ("lock of a claim", LOCK.bind(moment=0, token="t")),
        ("fair order", Template(select(FAIR_ORDER)).bind(user_id="anna", express=False, now=0)),
        ("active jobs", active_jobs(["a"])),
        ("lock files", lock_files(["a"])),
    ],
)
async def test_no_hot_query_scans_or_sorts(url: str, name: str, statement: Statement) -> None:
    plan = _plan(url, *statement.compiled(DIALECT))

    assert not [step for step in plan if step.startswith(("SCAN edit_jobs", "SCAN files")) and "INDEX" not in step]
    assert not [step for step in plan if "TEMP B-TREE" in step], name


async def test_a_submit_looks_its_files_up_by_id_however_many_the_order_has(url: str) -> None:
    group = submissions.submit(["a", "b"], order_id="o", user_id="anna", express=False, notes=None, now=NOON)
    compiled = [statement.compiled(DIALECT) for statement in group.statements]

    [(insert, values)] = [one for one in compiled if one[0].startswith("INSERT INTO edit_jobs")]

    plan = _plan(url, insert, values)
    assert [one for one in plan if " other " in one] == ["SEARCH other USING INDEX sqlite_autoindex_files_1 (id=?)"]


def _plan(url: str, sql: str, values: Sequence[Any]) -> list[str]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
