"""Alembic on a connection: bringing its schema to the newest revision, without stopping the programs at work.

A new database is made in one transaction. In one that may be full each migration has its own, and those that take
long have several (`steps.py`), so that nobody waits long for a lock.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from editqueue.adapters.job_store.opening.revisions import MIGRATIONS, all_revisions, newest_revision, read_schema
from editqueue.adapters.job_store.opening.steps import (
    LOCK_MS,
    PATIENT_LOCK_MS,
    STEPS,
    PostgresSteps,
    SqliteSteps,
    Steps,
)

MIGRATION_LOCK = 0x0ED1_70BB
"""Any number that nobody else takes an advisory lock on in this database."""

TRIES, BETWEEN_TRIES = 120, 0.5
"""At a migration that does not get its locks, and the seconds between them."""
TRIES_AT_BEING_ALONE = 2_400
"""While another process migrates."""
_KEEPALIVES = {"idle": 30, "interval": 10, "count": 3}
"""PostgreSQL's settings, in seconds and probes."""
PATIENT_EVERY = 10
"""Every so many tries, one that waits longer."""
_IN_THE_WAY = {"55P03", "40P01"}
"""A group at work: the lock was not to be had in time, or only by a deadlock."""
OTHERS_MS = 30_000
"""How long a migration on SQLite waits for another process, which may be migrating, too."""


class HeldUp(Exception):
    """A migration never got its locks, or its turn; what it did before may be done again."""


def upgrade(connection: Connection, *, to: str | None = None) -> None:
    """To the newest revision, or the one given; nothing happens to a schema that is there already, or beyond it.

    Of two processes that start at once, the second waits for the first and finds nothing left to do. Programs at work
    are waited for, and wait. After a process that was killed the next one goes on with the migration that was under
    way, from its beginning. Raises HeldUp on PostgreSQL.
    """
    last = to or newest_revision()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA busy_timeout={OTHERS_MS}")
        with _alone_in_the_folder(connection.engine.url.database):
            while _step_on_sqlite(connection, last):
                pass
        return
    with _alone_on_the_server(connection):
        while _step_on_postgres(connection, last):
            pass


def _next_revision(connection: Connection, last: str) -> str | None:
    """What to migrate to next: a new database all at once. None where nothing is left to do."""
    found = read_schema(connection).revision
    if found is None:
        return last
    return next((revision for revision in all_revisions() if found < revision <= last), None)


def _step_on_sqlite(connection: Connection, last: str) -> bool:
    """False if nothing was left to do."""
    steps = SqliteSteps(connection)
    steps.begin()
    try:
        revision = _next_revision(connection, last)
        if revision is not None:
            _run(connection, revision, steps)
    except BaseException:
        steps.give_up()
        raise
    steps.commit()
    return revision is not None


def _step_on_postgres(connection: Connection, last: str) -> bool:
    """The same. What holds a table for longer than a moment is given way to, and the migration begins anew."""
    revision = _next_revision(connection, last)
    connection.rollback()
    if revision is None:
        return False
    for number in range(1, TRIES + 1):
        steps = PostgresSteps(connection, lock_ms=LOCK_MS if number % PATIENT_EVERY else PATIENT_LOCK_MS)
        try:
            steps.begin()
            _run(connection, revision, steps)
        except DBAPIError as error:
            steps.give_up()
            if getattr(error.orig, "sqlstate", None) not in _IN_THE_WAY:
                raise
            _sleep(connection)
        else:
            steps.commit()
            return True
    raise HeldUp(
        f"the schema could not be brought to revision {revision}: somebody held a table that it changes, for more than "
        f"{TRIES * BETWEEN_TRIES:.0f} s; let that end (pg_stat_activity tells whose transaction is old, or what an "
        "autovacuum is at), then run `editqueue migrate` again"
    )


@contextmanager
def _alone_on_the_server(connection: Connection) -> Generator[None]:
    """While no other process migrates. The lock is that of a transaction, for behind PgBouncer a session is shared; its
    connection does nothing else, for a migration has several transactions. Who waits holds no snapshot meanwhile:
    an index that is made beside writers would wait for it."""
    with connection.engine.connect() as keeper:
        for _ in range(TRIES_AT_BEING_ALONE):
            if keeper.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({MIGRATION_LOCK})").scalar_one():
                break
            keeper.rollback()
            _sleep(keeper)
        else:
            raise HeldUp(_who_migrates(keeper))
        keeper.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        for name, seconds in _KEEPALIVES.items():  # a machine that vanishes gives the lock up within a minute
            keeper.exec_driver_sql(f"SET LOCAL tcp_keepalives_{name} = {seconds}")
        yield


def _who_migrates(connection: Connection) -> str:
    found = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND (classid, objid) = (0, %s)"
    pid = connection.exec_driver_sql(found, (MIGRATION_LOCK,)).scalar()
    return (
        f"another `editqueue migrate` has been at work for more than {TRIES_AT_BEING_ALONE * BETWEEN_TRIES / 60:.0f} "
        f"minutes (pid {pid} in pg_stat_activity); let it end, or end it by SELECT pg_terminate_backend({pid}), then "
        "run this again: it goes on with what is left"
    )


@contextmanager
def _alone_in_the_folder(path: str | None) -> Generator[None]:
    """While no other process migrates a database in the folder of `path`, which is locked: a lock on the file itself
    would take SQLite's own away when it is closed. A database in memory has no folder, and no other process."""
    if not path or path == ":memory:":
        yield
        return
    folder = os.open(Path(path).parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network drive without locks on folders: SQLite's own transactions are left
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _sleep(connection: Connection) -> None:
    """In the server: this thread may have other connections to serve."""
    connection.exec_driver_sql(f"SELECT pg_sleep({BETWEEN_TRIES})")
    connection.rollback()


def _run(connection: Connection, revision: str, steps: Steps) -> None:
    is_new = read_schema(connection).revision is None
    config = alembic_config()
    config.attributes["connection"] = connection
    config.attributes[STEPS] = None if is_new else steps
    command.upgrade(config, revision)


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
