"""Open a store on a database URL, and bring its schema up to date."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from editqueue.adapters.job_store.databases.database_url import COMMAND_SECONDS, DatabaseUrl, parse, shown, unusable
from editqueue.adapters.job_store.databases.postgres import PostgresDatabase
from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.store.postgres_store import PostgresStore
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import SetupError

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x0ED1_70BB
"""Any number that nobody else takes an advisory lock on in this database."""
_UNUSABLE = (DBAPIError, OSError, TypeError, ValueError)
"""What connecting raises; the last two for an option that the driver does not take."""


def open_database(url: str, *, command_seconds: float | None = COMMAND_SECONDS) -> SqliteDatabase | PostgresDatabase:
    """The database of `sqlite:///path` or `postgresql://...`; nothing is connected yet. `command_seconds` is
    PostgreSQL's limit for one statement. Raises SetupError for any other URL or option, and for a missing folder."""
    parsed = parse(url)
    if parsed.is_sqlite:
        _check_folder(url, parsed)
        return SqliteDatabase(parsed)
    return PostgresDatabase(parsed, command_seconds=command_seconds)


async def open_store(url: str, *, migrate: bool = False) -> SqlStore:
    """A store on `url`; with `migrate` its schema is brought up to date first.

    Raises SetupError when the database cannot be opened or its schema is not the one this version needs.
    """
    database = open_database(url)
    try:
        found = await database.with_connection(_revision)
    except _UNUSABLE as error:
        await database.close()
        raise unusable(url, error) from error
    if migrate and found != newest_revision():
        await migrate_schema(url)
        found = newest_revision()
    if found != newest_revision():
        await database.close()
        raise SetupError(
            f"the database schema is at revision {found or 'none'}, this version needs "
            f"{newest_revision()}: run `editqueue migrate` (EDITQUEUE_DATABASE_URL {shown(url)})"
        )
    return PostgresStore(database) if isinstance(database, PostgresDatabase) else SqlStore(database)


async def migrate_schema(url: str) -> str:
    """Bring the schema up to date. Returns its revision. Raises SetupError if the database is unreachable."""
    database = open_database(url, command_seconds=None)  # an index on a large table takes its time
    try:
        await database.with_connection(_upgrade)
    except _UNUSABLE as error:
        raise unusable(url, error) from error
    finally:
        await database.close()
    return newest_revision()


def newest_revision() -> str:
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    return head or "none"


def _upgrade(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    # Two processes that start at once: the second waits here and finds nothing left to do.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
    try:
        command.upgrade(config, "head")
    except BaseException:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("ROLLBACK")
        raise
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("COMMIT")
    connection.commit()


def _revision(connection: Connection) -> Any:
    return MigrationContext.configure(connection).get_current_revision()


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _check_folder(url: str, parsed: DatabaseUrl) -> None:
    """Say it before SQLite does: its "unable to open database file" does not tell why."""
    path = parsed.url.database
    if path and not Path(path).parent.is_dir():
        missing = FileNotFoundError(f"there is no folder {Path(path).parent}")
        raise unusable(url, missing)
