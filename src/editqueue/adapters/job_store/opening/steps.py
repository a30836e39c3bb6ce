"""For migrations: parts of one that are transactions of their own, so that what takes long holds no lock that others
wait for. What was committed before such a part stays when the process dies in it: the migration must be able to begin
anew.

In a new database and in D1's SQL a migration is one transaction: nobody waits there, or there is no choice.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Final, Protocol

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

STEPS: Final = "steps"
"""Alembic's attribute for the `Steps`."""
LOCK_MS: Final = 300
"""For one lock on PostgreSQL: whoever comes after us waits behind us, and a migration takes several."""
PATIENT_LOCK_MS: Final = 1_200
"""Now and then: the server ends an autovacuum that is in the way, once somebody has waited for `deadlock_timeout` (1 s
by default), and with less patience none would ever be."""


class Steps(Protocol):
    """The transactions of one migration of a database that may be full."""

    def begin(self) -> None:
        """A transaction that changes tables."""
        ...

    def commit(self) -> None: ...
    def give_up(self) -> None:
        """Roll back what was not committed."""
        ...

    def without_a_transaction(self) -> AbstractContextManager[None]:
        """Commit what was done so far; in the block each statement is committed by itself."""
        ...


class PostgresSteps:
    """`Steps` on PostgreSQL."""

    def __init__(self, connection: Connection, *, lock_ms: int = LOCK_MS) -> None:
        self._connection = connection
        self._lock_ms = lock_ms

    def begin(self) -> None:
        self._connection.exec_driver_sql(f"SET LOCAL lock_timeout = {self._lock_ms}")

    def commit(self) -> None:
        self._connection.commit()

    def give_up(self) -> None:
        self._connection.rollback()

    @contextmanager
    def without_a_transaction(self) -> Generator[None]:
        self._connection.commit()
        self._connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield  # no lock_timeout: what a session sets stays with others behind PgBouncer
        finally:
            self._connection.rollback()
            self._connection.execution_options(isolation_level="READ COMMITTED")
        self.begin()


class SqliteSteps:
    """`Steps` on SQLite, over a connection that begins no transaction by itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self) -> None:
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._connection.exec_driver_sql("COMMIT")
        self._connection.commit()

    def give_up(self) -> None:
        driver = self._connection.connection.driver_connection
        if driver is not None and driver.in_transaction:
            self._connection.exec_driver_sql("ROLLBACK")

    @contextmanager
    def without_a_transaction(self) -> Generator[None]:
        self.commit()
        yield
        self._connection.commit()
        self.begin()


def steps() -> Steps | None:
    """Of the migration that is running; None where it is one transaction."""
    config = op.get_context().config
    return config and config.attributes.get(STEPS)


def next_step() -> None:
    """Commit what this migration did so far, where it is not one transaction."""
    if running := steps():
        running.commit()
        running.begin()


def create_index(name: str, table: str, columns: list[Any], *, where: str | None = None) -> None:
    """An index on a table that may be large: on PostgreSQL beside those who write, and anew where a process died while
    it made it, which leaves one that is of no use. It waits for older
    transactions, and nobody waits behind it. It commits what the migration did before: let it come first."""
    is_one = None if where is None else sa.text(where)
    create = partial(op.create_index, name, table, columns, unique=False, postgresql_where=is_one, sqlite_where=is_one)
    running = steps()
    if running is None:
        create()
        return
    with running.without_a_transaction():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        create(postgresql_concurrently=True)
