"""For migrations: parts of one that are transactions of their own on PostgreSQL, so that what takes long holds no lock
that others wait for. Whatever was done before such a part stays when the process dies in it: the migration must be able
to begin anew.

In a new database, on SQLite and in D1's SQL a migration is one transaction: there is nothing to wait for, one writer at
a time, or no choice.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

STEPS: Final = "steps"
"""Alembic's attribute for a PostgresSteps."""
LOCK_MS: Final = 300
"""For one lock: whoever comes after us waits behind us, and a migration takes several."""
INDEX_LOCK_MS: Final = 120_000
"""For an index that is made beside writers: it waits for older transactions, and nobody waits behind it."""


class PostgresSteps:
    """The transactions of one migration of a database that may be full."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self) -> None:
        self._connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MS}")

    def next(self) -> None:
        """Commit what was done so far."""
        self._connection.commit()
        self.begin()

    @contextmanager
    def without_a_transaction(self) -> Generator[None]:
        self._connection.commit()
        self._connection.execution_options(isolation_level="AUTOCOMMIT")
        self._connection.exec_driver_sql(f"SET lock_timeout = {INDEX_LOCK_MS}")
        try:
            yield
        finally:
            self._connection.rollback()
            self._connection.exec_driver_sql("RESET lock_timeout")
            self._connection.commit()
            self._connection.execution_options(isolation_level="READ COMMITTED")
        self.begin()


def steps() -> PostgresSteps | None:
    """Of the migration that is running; None where it is one transaction."""
    config = op.get_context().config
    return config and config.attributes.get(STEPS)


def next_step() -> None:
    """Commit what this migration did so far, where it is not one transaction."""
    if running := steps():
        running.next()


def create_index(name: str, table: str, columns: list[Any], *, where: str | None = None) -> None:
    """An index on a table that may be large: on PostgreSQL beside those who write, and anew where a process died while
    it made it, which leaves one that is of no use. It commits what the migration did before: let it come first."""
    condition = None if where is None else sa.text(where)
    create = partial(op.create_index, name, table, columns, unique=False, postgresql_where=condition)
    running = steps()
    if running is None:
        create(sqlite_where=condition)
        return
    with running.without_a_transaction():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        create(postgresql_concurrently=True)
