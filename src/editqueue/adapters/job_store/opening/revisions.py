"""Which revision a database has, and which this version needs. Not asked of Alembic: a program that migrates nothing
need not import it, which takes longer than all else that it does with the schema."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_TABLE: Final = "alembic_version"


def revision(connection: Connection) -> str | None:
    """None where nothing was ever migrated."""
    if not connection.dialect.has_table(connection, _TABLE):
        return None
    return connection.exec_driver_sql(f"SELECT version_num FROM {_TABLE}").scalar()  # noqa: S608  # a constant


def newest_revision() -> str:
    """A migration's file begins with its revision."""
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))
