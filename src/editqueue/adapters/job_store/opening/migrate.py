"""Alembic on a connection: bringing its schema to the newest revision."""

import time

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from editqueue.adapters.job_store.opening.revisions import MIGRATIONS

_MIGRATION_LOCK = 0x0ED1_70BB
"""Any number that nobody else takes an advisory lock on in this database."""

TRIES, BETWEEN_TRIES = 20, 0.5
"""At locking the tables, and the seconds between them."""
LOCK_MS = 2_000
"""For one of them: everybody else who comes waits behind it."""
_IN_THE_WAY = {"55P03", "40P01"}
"""A group at work: the lock was not to be had in time, or only by a deadlock."""
OTHERS_MS = 30_000
"""How long a migration on SQLite waits for another process, which may be migrating, too."""


def upgrade(connection: Connection) -> None:
    """To the newest revision. Of two processes that start at once, the second waits for the first and finds nothing
    left to do. Programs at work are waited for, and wait."""
    if connection.dialect.name == "sqlite":
        _upgrade_sqlite(connection)
        return None
    for _ in range(TRIES - 1):
        try:
            return _upgrade_postgres(connection)
        except DBAPIError as error:
            connection.rollback()
            if getattr(error.orig, "sqlstate", None) not in _IN_THE_WAY:
                raise
            time.sleep(BETWEEN_TRIES)
    return _upgrade_postgres(connection)


def _upgrade_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout={OTHERS_MS}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        _upgrade(connection)
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
    connection.commit()


def _upgrade_postgres(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
    if connection.exec_driver_sql("SELECT to_regclass('edit_jobs') IS NOT NULL").scalar_one():
        # All at once and first: taken one after the other, between statements, a group at work that has the one and
        # wants the other would be a deadlock, which the migration loses after minutes of work.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MS}")
        connection.exec_driver_sql("LOCK TABLE orders, files, edit_jobs IN ACCESS EXCLUSIVE MODE")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    _upgrade(connection)
    connection.commit()


def _upgrade(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
