"""The one database of a simulated world, in memory, and the trail of what was done to it."""

import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from devtools.databases import sqlite_path
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.sqlite import DIALECT
from editqueue.adapters.job_store.databases.sqlite_connection import errors_translated
from editqueue.adapters.job_store.databases.statement import Statement

T = TypeVar("T")

_TRAIL: Final = """
CREATE TABLE job_trail (
    seq INTEGER PRIMARY KEY,
    id, before, after, token_before, token, attempts_before, attempts, holder, started_at, error
);
CREATE TRIGGER job_made AFTER INSERT ON edit_jobs BEGIN
    INSERT INTO job_trail VALUES (
        NULL, new.id, NULL, new.status, NULL, new.token, 0, new.attempts, new.holder, new.started_at, new.error
    );
END;
CREATE TRIGGER job_moved AFTER UPDATE ON edit_jobs BEGIN
    INSERT INTO job_trail VALUES (
        NULL, new.id, old.status, new.status, old.token, new.token, old.attempts, new.attempts, old.holder,
        old.started_at, new.error
    );
END;
CREATE TABLE file_trail (seq INTEGER PRIMARY KEY, id, locked_before, locked, before, after);
CREATE TRIGGER file_changed AFTER UPDATE ON files BEGIN
    INSERT INTO file_trail VALUES (
        NULL, new.id, old.locked, new.locked,
        json_array(old.name, old.ver, old.marked, old.approved, old.deleted_at),
        json_array(new.name, new.ver, new.marked, new.approved, new.deleted_at)
    );
END;
"""
"""Every change of a row, in its order, also where one transaction changes a row twice. What is rolled back leaves no
trail: it lies in the same database."""


class Disk:
    """One connection that all processes of the world share: whoever has its turn has the database for itself."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.deserialize(_template())

    def run(self, statements: Sequence[Statement]) -> Sequence[Rows]:
        """As `Database.run`, at one instant."""
        with errors_translated():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                rows = [self.rows(*statement.compiled(DIALECT)) for statement in statements]
                self.connection.execute("COMMIT")
                return rows
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        cursor = self.connection.execute(sql, parameters)
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def take_trail(self, table: str, read: Callable[..., T]) -> list[T]:
        """What was done since the last look."""
        found = [read(*row[1:]) for row in self.connection.execute(f"SELECT * FROM {table} ORDER BY seq")]
        if found:
            self.connection.execute(f"DELETE FROM {table}")
        return found

    def close(self) -> None:
        self.connection.close()


@cache
def _template() -> bytes:
    """Migrated by Alembic once; each world begins with a copy."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(sqlite_path(Path(folder)), isolation_level=None)
        connection.execute("PRAGMA journal_mode=DELETE")  # one in memory has no WAL
        connection.executescript(_TRAIL)
        image = connection.serialize()
        connection.close()
    return image
