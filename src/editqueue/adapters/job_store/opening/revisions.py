"""Which revision a database has, and whether this version works on it. Not asked of Alembic: a program that migrates
nothing need not import it, which takes longer than all else that it does with the schema."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from editqueue.ports.job_store import Schema

MIGRATIONS: Final = Path(__file__).parent / "migrations"
OLDEST_REVISION: Final = "0006"
"""Of the schemas on which this version works: it runs beside the version before it, and until somebody migrates."""
_REVISIONS, _PROGRAMS = "alembic_version", "schema_compatibility"


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSchema:
    """What a database says of its schema."""

    revision: str | None
    """None where nothing was ever migrated."""
    oldest_program: str | None
    """The oldest program that works on it, by the newest revision that it knows; None before 0007."""
    others: tuple[str, ...] = ()
    """On SQLite, tables in a database that was never migrated: it is another program's. On PostgreSQL two may share."""

    @property
    def is_newer(self) -> bool:
        return self.revision is not None and self.revision > newest_revision()

    def usable(self) -> Schema | None:
        """None where this version does not work on it."""
        newest = newest_revision()
        if self.revision is None or self.revision < OLDEST_REVISION:
            return None
        if self.is_newer and (self.oldest_program is None or newest < self.oldest_program):
            return None
        return Schema(revision=self.revision, newest=newest)


def read_schema(connection: Connection) -> FoundSchema:
    """What the database of `connection` says."""
    revision = _only_value(connection, _REVISIONS, "version_num")
    is_file = connection.dialect.name == "sqlite"
    return FoundSchema(
        revision=revision,
        oldest_program=_only_value(connection, _PROGRAMS, "oldest_program"),
        others=tuple(sorted(connection.dialect.get_table_names(connection))) if is_file and revision is None else (),
    )


def _only_value(connection: Connection, table: str, column: str) -> str | None:
    if not connection.dialect.has_table(connection, table):
        return None
    return connection.exec_driver_sql(f"SELECT {column} FROM {table}").scalar()  # noqa: S608  # our own names


def all_revisions() -> list[str]:
    """Oldest first. A migration's file begins with its revision."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def newest_revision() -> str:
    return all_revisions()[-1]
