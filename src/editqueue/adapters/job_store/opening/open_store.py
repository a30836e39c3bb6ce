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
from editqueue.adapters.job_store.opening.revisions import FoundSchema, newest_revision, read_schema
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.job_store.store.sqlite_store import SqliteStore
from editqueue.domain.errors import SetupError
from editqueue.ports.job_store import Schema

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

    Raises SetupError when the database cannot be opened, or this version does not work on its schema.
    """
    database = open_database(url)
    try:
        schema = await _checked_schema(database, url, migrate=migrate)
    except BaseException:
        await database.close()
        raise
    if isinstance(database, SqliteDatabase):
        return SqliteStore(database, HolderFiles(holders_folder(database.path)), schema=schema, traceparent=traceparent)
    from editqueue.adapters.job_store.store.postgres_store import PostgresStore  # noqa: PLC0415  # as the first lines say

    return PostgresStore(database, notifies=notifies, schema=schema, traceparent=traceparent)


async def _checked_schema(database: EngineDatabase, url: str, *, migrate: bool) -> Schema:
    try:
        found = await database.with_connection(read_schema)
    except _UNUSABLE as error:
        raise unusable(url, error) from error
    if migrate and not found.is_newer and found.revision != newest_revision():
        return await _migrated(url)
    return _usable(found, url)


def _confirm_ours(found: FoundSchema, url: str) -> None:
    if found.others:
        names = ", ".join(found.others[:3]) + (", ..." if len(found.others) > 3 else "")
        raise SetupError(
            f"{shown(url)} holds tables ({names}) and no revision of ours: it is the database of another program, or "
            "has lost its table alembic_version; give a place of its own (EDITQUEUE_DATA_DIR, EDITQUEUE_DATABASE_URL), "
            "or restore a backup"
        )


def _usable(found: FoundSchema, url: str) -> Schema:
    _confirm_ours(found, url)
    if schema := found.usable():
        return schema
    newest = newest_revision()
    if found.is_newer:
        raise SetupError(
            f"the database schema is at revision {found.revision}, this version knows {newest} and older: run the "
            f"version that brought it there, or a newer one (EDITQUEUE_DATABASE_URL {shown(url)})"
        )
    raise SetupError(
        f"the database schema is at revision {found.revision or 'none'}, this version needs "
        f"{newest}: run `editqueue migrate` (EDITQUEUE_DATABASE_URL {shown(url)})"
    )


async def migrate_schema(url: str) -> str:
    """Bring the schema up to date. Returns its revision, which is beyond that of this version where a newer one brought
    it there and this one works on it. Raises SetupError if the database is unreachable, or this version does not work
    on it."""
    return (await _migrated(url)).revision


async def _migrated(url: str) -> Schema:
    from editqueue.adapters.job_store.opening.migrate import HeldUp, upgrade  # noqa: PLC0415  # as the first lines say

    database = open_database(url, command_seconds=None)  # an index on a large table takes its time
    try:
        _confirm_ours(await database.with_connection(read_schema), url)
        await database.with_connection(upgrade)
        return _usable(await database.with_connection(read_schema), url)
    except HeldUp as error:
        raise SetupError(f"{error} (EDITQUEUE_DATABASE_URL {shown(url)})") from error
    except _UNUSABLE as error:
        raise unusable(url, error) from error
    finally:
        await database.close()
