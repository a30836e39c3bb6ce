"""Which database a server uses.

What D1 needs is imported where it is used: others need no HTTP client.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from editqueue.adapters.job_store.opening.open_holder import open_holder
from editqueue.adapters.job_store.opening.open_store import migrate_schema, open_store
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import SetupError
from editqueue.ports.holder import Holder, NoHolder
from editqueue.ports.job_store import JobStore
from editqueue.ports.journal import Journal
from editqueue.setting_patterns import d1_database_id
from editqueue.settings import Settings
from editqueue.wiring.bucket_folder import bucket_folder, confirm_database
from editqueue.wiring.data_dir import prepared_data_dir
from editqueue.wiring.database_file import confirm_database_file, database_file

if TYPE_CHECKING:
    from editqueue.adapters.postgres_session import PostgresSession


async def open_store_of(settings: Settings, *, makes: bool = True, traceparent: TraceParent | None = None) -> SqlStore:
    """The store that the settings name; the embedded one brings its schema up to date, and its database into being,
    unless it `makes` nothing. `traceparent` as `open_store` has it. Raises SetupError."""
    if not makes:
        confirm_database_file(settings)
    database_id = d1_database_id(settings.database_url)
    if database_id is None:
        return await open_store(
            settings.database_url,
            migrate=settings.embedded and makes,
            notifies=settings.queue == "postgres",
            traceparent=traceparent,
        )
    from editqueue.adapters.job_store.databases.d1_http import D1Access  # noqa: PLC0415  # as the first lines say
    from editqueue.adapters.job_store.opening.open_d1 import open_d1_store  # noqa: PLC0415  # the same

    access = D1Access(
        account_id=settings.cloudflare_account_id or "",
        database_id=database_id,
        token=settings.cloudflare_api_token or "",
        base_url=settings.cloudflare_base_url,
    )
    return await open_d1_store(access, traceparent=traceparent)


@asynccontextmanager
async def open_job_store(settings: Settings, *, makes: bool = False) -> AsyncGenerator[JobStore]:
    """The database alone; one that is not there is an error unless this `makes` it. Raises SetupError."""
    if settings.embedded and makes:
        prepared_data_dir(settings)
        await confirm_database(database_file(settings), bucket_folder(settings))
    store = await open_store_of(settings, makes=makes)
    try:
        yield store
    finally:
        await store.close()


def open_holder_of(settings: Settings, session: "PostgresSession | None", journal: Journal) -> Holder:
    """The lock by which others know that a consumer of this process lives; `session` is for PostgreSQL."""
    if d1_database_id(settings.database_url) is None:
        return open_holder(settings.database_url, session, journal=journal)
    return NoHolder()


async def migrate(settings: Settings) -> str:
    """Bring the database up to date; returns its revision. Raises SetupError."""
    if d1_database_id(settings.database_url) is not None:
        raise SetupError(f"the schema of D1 is wrangler's to migrate: run {how_to_migrate(settings)}")
    return await migrate_schema(settings.database_url)


def how_to_migrate(settings: Settings) -> str:
    """The command that brings the database up to date."""
    if d1_database_id(settings.database_url) is None:
        return "`editqueue migrate`"
    return "`make deploy-cloudflare`, or `wrangler d1 migrations apply NAME --remote` in deploy/cloudflare"
