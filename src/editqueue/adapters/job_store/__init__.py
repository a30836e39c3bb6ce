"""JobStore on SQL: SQLite and PostgreSQL through SQLAlchemy Core."""

from editqueue.adapters.job_store.opening import migrate_schema, newest_revision, open_store
from editqueue.adapters.job_store.store import SqlStore

__all__ = ["SqlStore", "migrate_schema", "newest_revision", "open_store"]
