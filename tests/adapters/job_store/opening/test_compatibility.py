"""Which schemas this version works on, and that each migration keeps what it promises to older programs."""

import io
import re
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from devtools.cloudflare_queue.d1 import d1_api, sqlite_d1
from devtools.databases import NewDatabase
from devtools.history import Size, load
from devtools.holding import holding
from devtools.scratch import NOW
from devtools.tour import Tour
from editqueue.adapters.job_store.opening.migrate import alembic_config
from editqueue.adapters.job_store.opening.open_d1 import open_d1_store
from editqueue.adapters.job_store.opening.open_store import migrate_schema, open_database, open_store
from editqueue.adapters.job_store.opening.revisions import (
    MIGRATIONS,
    OLDEST_REVISION,
    all_revisions,
    newest_revision,
    read_schema,
)
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import SetupError
from editqueue.ports.job_store import Schema
from tests.upgrades.programs import add_migration

FIRST_WITH_A_MARK = "0007"
ROWS = Size(finished=200, queued=60, files=200)
DIALECTS = ("sqlite", "postgresql")
HARMFUL = re.compile(
    r"\bDROP\b|\bRENAME\b|\bALTER COLUMN\b|\bADD CONSTRAINT\b|\bCREATE UNIQUE INDEX\b"
    r"|\bADD COLUMN\b(?!.*\bDEFAULT\b).*\bNOT NULL\b"
)
"""What takes something from a program that does not know of it, or refuses what it writes."""


@pytest.fixture(name="next_versions")
def _next_versions(tmp_path: Path) -> Callable[[], Config]:
    """The migrations of a version that has two more: one that programs of today work on, and one that they do not."""
    folder, newest = tmp_path / "migrations", newest_revision()
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    additive = add_migration(folder / "versions", newest=newest, oldest_program=newest)
    (folder / "versions" / "9999_without_weathers.py").write_text(
        f"from alembic import op\nrevision, down_revision, oldest_program = '9999', '{additive}', '9999'\n"
        "def upgrade(): op.drop_table('weathers')\n"
        "def downgrade(): op.execute('CREATE TABLE weathers (name TEXT NOT NULL PRIMARY KEY)')\n"
    )

    def config() -> Config:
        made = Config()
        made.set_main_option("script_location", str(folder))
        return made

    return config


async def move(url: str, config: Config, revision: str) -> None:
    """Up or down."""

    def work(connection: Connection) -> None:
        found = read_schema(connection).revision or ""
        config.attributes["connection"] = connection
        (command.downgrade if revision < found else command.upgrade)(config, revision)
        connection.commit()

    database = open_database(url, command_seconds=None)
    await database.with_connection(work)
    await database.close()


def after_newest(steps: int = 1) -> str:
    return f"{int(newest_revision()) + steps:04}"


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[SqlStore]:
    store = await open_store(url)
    yield store
    await store.close()


async def tour(url: str) -> None:
    async with holding(url) as gone:
        pass
    async with opened(url) as store:
        await Tour(store=store, before=lambda _: None, gone=gone.consumer).go()


async def fill(url: str) -> None:
    database = open_database(url)
    await load(database, ROWS, moment=round(NOW.timestamp() * 1000))
    await database.close()


async def test_every_method_works_on_the_oldest_schema_that_this_version_works_on(new_database: NewDatabase) -> None:
    url = new_database()
    await fill(url)
    await move(url, alembic_config(), OLDEST_REVISION)

    await tour(url)

    async with opened(url) as store:
        assert store.schema == Schema(revision=OLDEST_REVISION, newest=newest_revision())


async def test_every_method_works_on_a_newer_schema_that_says_so_and_migrate_leaves_it(
    new_database: NewDatabase, next_versions: Callable[[], Config]
) -> None:
    url = new_database()
    await fill(url)
    await move(url, next_versions(), after_newest())

    await tour(url)

    assert await migrate_schema(url) == after_newest()
    async with opened(url) as store:
        assert store.schema == Schema(revision=after_newest(), newest=newest_revision())


async def test_a_newer_schema_that_says_otherwise_is_refused_until_it_is_taken_back(
    new_database: NewDatabase, next_versions: Callable[[], Config]
) -> None:
    url = new_database()
    await move(url, next_versions(), "9999")
    with pytest.raises(SetupError, match="is at revision 9999, this version knows"):
        await open_store(url)

    await move(url, next_versions(), after_newest())

    async with opened(url) as store:
        assert store.schema is not None
        assert store.schema.is_newer


async def test_an_older_schema_than_the_oldest_is_refused(new_database: NewDatabase) -> None:
    url = new_database()
    before = max(revision for revision in all_revisions() if revision < OLDEST_REVISION)
    await move(url, alembic_config(), before)

    with pytest.raises(SetupError, match=f"is at revision {before}, .* run `editqueue migrate`"):
        await open_store(url)


@pytest.mark.parametrize("revision", [OLDEST_REVISION, after_newest()])
async def test_d1_over_http_is_used_with_an_older_and_with_a_newer_schema_too(
    revision: str, tmp_path: Path, next_versions: Callable[[], Config]
) -> None:
    path = tmp_path / "d1.db"
    await move(f"sqlite:///{path}", next_versions(), revision)

    with sqlite_d1(path) as behind:
        async with d1_api(behind) as api:
            store = await open_d1_store(api.access)
            assert store.schema == Schema(revision=revision, newest=newest_revision())
            await store.close()


def test_this_version_works_on_the_schema_of_the_version_before() -> None:
    assert all_revisions()[-1] > OLDEST_REVISION


SCRIPTS = [
    script
    for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()
    if script.revision >= FIRST_WITH_A_MARK
]


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.revision for script in SCRIPTS])
def test_a_migration_says_which_programs_work_on_what_it_makes_and_takes_nothing_from_them(script: Script) -> None:
    oldest_program: str = script.module.oldest_program

    assert FIRST_WITH_A_MARK <= oldest_program <= script.revision
    if oldest_program < script.revision:
        assert [statement for dialect in DIALECTS for statement in harmful(sql_of(script, dialect))] == []


def sql_of(script: Script, dialect: str) -> str:
    written = io.StringIO()
    given = {"as_sql": True, "output_buffer": written, "literal_binds": True}
    with Operations.context(MigrationContext.configure(dialect_name=dialect, opts=given)):
        script.module.upgrade()
    return written.getvalue()


def harmful(sql: str) -> list[str]:
    statements = [" ".join(statement.split()) for statement in sql.split(";")]
    return [statement for statement in statements if HARMFUL.search(statement.upper())]


@pytest.mark.parametrize(
    ("statement", "is_harmful"),
    [
        ("DROP TABLE notes", True),
        ("DROP INDEX jobs_ready", True),
        ("ALTER TABLE files DROP COLUMN mime", True),
        ("ALTER TABLE files RENAME mime TO kind", True),
        ("ALTER TABLE files RENAME TO photos", True),
        ("ALTER TABLE files ALTER COLUMN mime SET NOT NULL", True),
        ("ALTER TABLE files ADD COLUMN weather TEXT NOT NULL", True),
        ("ALTER TABLE files ADD CONSTRAINT c CHECK (ver > 0)", True),
        ("CREATE UNIQUE INDEX one_note ON notifications (file_id)", True),
        ("ALTER TABLE files ADD COLUMN weather TEXT", False),
        ("ALTER TABLE files ADD COLUMN weather TEXT DEFAULT 'sunny' NOT NULL", False),
        ("CREATE TABLE weathers (name TEXT NOT NULL, CONSTRAINT dry CHECK (name <> 'rain'))", False),
        ("CREATE INDEX CONCURRENTLY by_weather ON files (weather)", False),
    ],
)
def test_what_takes_something_from_an_older_program_is_recognised(statement: str, *, is_harmful: bool) -> None:
    assert bool(harmful(f"{statement};\n")) == is_harmful
