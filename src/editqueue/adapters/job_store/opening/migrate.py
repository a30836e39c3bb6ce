"""Alembic on a connection: which revision the schema has, and bringing it to the newest."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x0ED1_70BB
"""Any number that nobody else takes an advisory lock on in this database."""

OTHERS_MS = 30_000
"""How long a migration on SQLite waits for another process, which may be migrating, too."""


def revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or "none"


def upgrade(connection: Connection) -> None:
    """To the newest revision. Of two processes that start at once, the second waits for the first and finds nothing
    left to do."""
    config = alembic_config()
    config.attributes["connection"] = connection
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={OTHERS_MS}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
    try:
        command.upgrade(config, "head")
    except BaseException:
        if sqlite:
            connection.exec_driver_sql("ROLLBACK")
        raise
    if sqlite:
        connection.exec_driver_sql("COMMIT")
    connection.commit()


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
