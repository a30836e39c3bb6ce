"""Open a store on a database URL, and bring its schema up to date."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from editqueue.adapters.job_store.engine import EngineDatabase, create_engine
from editqueue.adapters.job_store.store import SqlStore
from editqueue.domain.errors import SetupError

_MIGRATIONS = Path(__file__).parent / "migrations"


async def open_store(url: str, *, migrate: bool = False) -> SqlStore:
    """A store on `url`; with `migrate` its schema is brought up to date first.

    Raises SetupError when the database cannot be opened or its schema is not the one this version needs.
    """
    engine = create_engine(url)
    _check_folder(engine)
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(_revision)
    except (DBAPIError, OSError) as error:
        await engine.dispose()
        raise _unreachable(engine, error) from error
    if migrate and found != newest_revision():
        await migrate_schema(url)
        found = newest_revision()
    if found != newest_revision():
        await engine.dispose()
        raise SetupError(
            f"the database schema is at revision {found or 'none'}, this version needs "
            f"{newest_revision()}: run `editqueue migrate` (EDITQUEUE_DATABASE_URL {_shown(engine)})"
        )
    return SqlStore(EngineDatabase(engine))


async def migrate_schema(url: str) -> str:
    """Bring the schema up to date. Returns its revision. Raises SetupError if the database is unreachable."""
    engine = create_engine(url)
    _check_folder(engine)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
    except (DBAPIError, OSError) as error:
        raise _unreachable(engine, error) from error
    finally:
        await engine.dispose()
    return newest_revision()


def newest_revision() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    return head or "none"


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    if connection.dialect.name == "sqlite":
        # Two processes that start at once: the second waits here and finds nothing left to do.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        command.upgrade(config, "head")
    except BaseException:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("ROLLBACK")
        raise
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("COMMIT")
    connection.commit()


def _revision(connection: Connection) -> Any:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _check_folder(engine: AsyncEngine) -> None:
    """Say it before SQLite does: its "unable to open database file" does not tell why."""
    path = engine.url.database
    if engine.dialect.name == "sqlite" and path and not Path(path).parent.is_dir():
        raise _unreachable(engine, FileNotFoundError(f"there is no folder {Path(path).parent}"))


def _unreachable(engine: AsyncEngine, error: Exception) -> SetupError:
    cause = getattr(error, "orig", None) or error
    return SetupError(
        f"EDITQUEUE_DATABASE_URL: cannot open {_shown(engine)}: {cause}; "
        "check that the path is writable or the server reachable"
    )


def _shown(engine: AsyncEngine) -> str:
    return make_url(engine.url).render_as_string(hide_password=True)
