"""Open a store on a database URL, and bring its schema up to date.

PostgreSQL's driver and Alembic take longer to import than all else: who needs neither does not import them.
"""

from pathlib import Path

from sqlalchemy.exc import DBAPIError

from editqueue.adapters.job_store.databases.database import GROUP_SECONDS
from editqueue.adapters.job_store.databases.database_url import parse, shown, unusable
from editqueue.adapters.job_store.databases.engine import EngineDatabase
from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.holders.files import HolderFiles, holders_folder
from editqueue.adapters.job_store.opening.revisions import newest_revision, revision
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.job_store.store.sqlite_store import SqliteStore
from editqueue.domain.errors import SetupError

_UNUSABLE = (DBAPIError, OSError, ValueError)
"""What connecting raises; the last for an option whose value the driver does not take."""


def open_database(url: str, *, command_seconds: float | None = GROUP_SECONDS) -> EngineDatabase:
    """The database of `sqlite:///path` or `postgresql://...`; nothing is connected yet. `command_seconds` is
    PostgreSQL's limit for a group of statements.

    Raises SetupError for any other URL or option, and for a missing folder.
    """
    parsed = parse(url)
    if parsed.is_sqlite:
        path = Path(parsed.url.database or "")
        if not path.parent.is_dir():  # SQLite's "unable to open database file" does not tell why
            raise unusable(url, FileNotFoundError(f"there is no folder {path.parent}"))
        return SqliteDatabase(parsed)
    from editqueue.adapters.job_store.databases.postgres import PostgresDatabase  # noqa: PLC0415  # as the first lines say

    return PostgresDatabase(parsed, command_seconds=command_seconds)


async def open_store(
    url: str, *, migrate: bool = False, notifies: bool = False, traceparent: TraceParent | None = None
) -> SqlStore:
    """A store on `url`; with `migrate` its schema is brought up to date first. One on PostgreSQL that `notifies` tells
    listeners of the jobs that it queues. `traceparent` says what request runs, where traces are on.

    Raises SetupError when the database cannot be opened or its schema is not the one this version needs.
    """
    database = open_database(url)
    try:
        await _check_schema(database, url, migrate=migrate)
    except BaseException:
        await database.close()
        raise
    if isinstance(database, SqliteDatabase):
        return SqliteStore(database, HolderFiles(holders_folder(database.path)), traceparent=traceparent)
    from editqueue.adapters.job_store.store.postgres_store import PostgresStore  # noqa: PLC0415  # as the first lines say

    return PostgresStore(database, notifies=notifies, traceparent=traceparent)


async def _check_schema(database: EngineDatabase, url: str, *, migrate: bool) -> None:
    try:
        found = await database.with_connection(revision)
    except _UNUSABLE as error:
        raise unusable(url, error) from error
    newest = newest_revision()
    _refuse_newer(found, url)
    if migrate and found != newest:
        found = await migrate_schema(url)
    if found != newest:
        raise SetupError(
            f"the database schema is at revision {found or 'none'}, this version needs "
            f"{newest}: run `editqueue migrate` (EDITQUEUE_DATABASE_URL {shown(url)})"
        )


def _refuse_newer(found: str | None, url: str) -> None:
    if found is not None and found > newest_revision():
        raise SetupError(
            f"the database schema is at revision {found}, this version knows {newest_revision()} and older: run the "
            f"version that brought it there, or a newer one (EDITQUEUE_DATABASE_URL {shown(url)})"
        )


async def migrate_schema(url: str) -> str:
    """Bring the schema up to date. Returns its revision. Raises SetupError if the database is unreachable, or was
    brought further by a newer version."""
    from editqueue.adapters.job_store.opening.migrate import upgrade  # noqa: PLC0415  # as the first lines say

    database = open_database(url, command_seconds=None)  # an index on a large table takes its time
    try:
        _refuse_newer(await database.with_connection(revision), url)
        await database.with_connection(upgrade)
    except _UNUSABLE as error:
        raise unusable(url, error) from error
    finally:
        await database.close()
    return newest_revision()
