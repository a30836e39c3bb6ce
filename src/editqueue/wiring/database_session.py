"""The session that a consumer on PostgreSQL keeps for itself, beside the store's connections."""

from psycopg.conninfo import make_conninfo

from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.postgres_session import PostgresSession
from editqueue.ports.journal import Journal
from editqueue.setting_patterns import d1_database_id
from editqueue.settings import Settings


def open_database_session(settings: Settings, journal: Journal) -> PostgresSession | None:
    """Not started yet; None where the database is another one."""
    if d1_database_id(settings.database_url) is not None:
        return None
    url = parse(settings.database_url)
    if url.is_sqlite:
        return None
    return PostgresSession(make_conninfo("", **url.options), purpose="editqueue consumer", journal=journal)
