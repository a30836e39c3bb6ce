"""The session that a consumer on PostgreSQL keeps for itself, beside the store's connections."""

from typing import TYPE_CHECKING

from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.ports.journal import Journal
from editqueue.setting_patterns import is_postgres
from editqueue.settings import Settings

if TYPE_CHECKING:
    from editqueue.adapters.postgres_session import PostgresSession


def open_database_session(settings: Settings, journal: Journal) -> "PostgresSession | None":
    """Not started yet; None where the database is another one. Raises SetupError."""
    if not is_postgres(settings.database_url):
        return None
    # only here: PostgreSQL's driver takes long to import
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    from editqueue.adapters.postgres_session import PostgresSession  # noqa: PLC0415

    url = parse(settings.database_session_url or settings.database_url)
    return PostgresSession(make_conninfo("", **url.options), purpose="editqueue consumer", journal=journal)
