"""Open a store on D1's HTTP API, once it was seen to keep its word."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import delete, insert, select, text

from editqueue.adapters.job_store.databases.d1_http import D1Access, D1HttpDatabase
from editqueue.adapters.job_store.databases.database import ConstraintViolated
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.revisions import FoundSchema, newest_revision
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import consumer_pauses, schema_compatibility
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.store.d1_store import D1HttpStore
from editqueue.domain.errors import SetupError, StorageUnavailable
from editqueue.domain.ids import new_token
from editqueue.ports.job_store import Schema

MIGRATING: Final = "`make deploy-cloudflare`, or `wrangler d1 migrations apply NAME --remote` in deploy/cloudflare"
_REVISION: Final = once(text("SELECT version_num FROM alembic_version"))
_OLDEST_PROGRAM: Final = once(select(schema_compatibility.c.oldest_program))


async def open_d1_store(access: D1Access, *, traceparent: TraceParent | None = None) -> D1HttpStore:
    """A store on the database of `access`; `traceparent` says what request runs, where traces are on. Raises SetupError
    when it cannot be used, this version does not work on its schema, or a batch is not one transaction there."""
    database = D1HttpDatabase(access)
    try:
        schema = await _checked_schema(database)
    except StorageUnavailable as error:
        await database.close()
        raise SetupError(f"EDITQUEUE_DATABASE_URL: cannot open d1://{access.database_id}: {error}") from error
    except BaseException:
        await database.close()
        raise
    return D1HttpStore(database, schema=schema, traceparent=traceparent)


async def _checked_schema(database: D1HttpDatabase) -> Schema:
    found = FoundSchema(revision=await _revision_behind_a_failed_batch(database), oldest_program=None)
    if found.is_newer:
        found = replace(found, oldest_program=await _oldest_program(database))
    if schema := found.usable():
        return schema
    remedy = "run the version that brought it there, or a newer one" if found.is_newer else f"run {MIGRATING}"
    raise SetupError(
        f"the database schema of D1 is at revision {found.revision or 'none'}, this version needs "
        f"{newest_revision()}: {remedy}"
    )


async def _oldest_program(database: D1HttpDatabase) -> str | None:
    """Of a schema that is newer than this version, and so has the table."""
    [rows] = await database.run(_OLDEST_PROGRAM)
    return next((str(row["oldest_program"]) for row in rows), None)


async def _revision_behind_a_failed_batch(database: D1HttpDatabase) -> str | None:
    """The revision of the schema; None without one. Raises SetupError where of a batch that fails anything is left.

    That a batch is one transaction is documented for the binding in a Worker and not for the HTTP API, and every
    transition of a job stands on it.
    """
    name = f"opening:{new_token()}"
    now = to_ms(datetime.now(UTC))
    row = {"consumer": name, "ground": "database", "reason": "", "since": now, "seen_at": now}
    add = once(insert(consumer_pauses).values(row))
    try:
        await database.run(add, add)  # the second row has the key of the first
    except ConstraintViolated:
        pass
    except StorageUnavailable as error:
        if "no such table" in str(error):
            return None
        raise
    left = once(select(consumer_pauses.c.consumer).where(consumer_pauses.c.consumer == name))
    found, revisions = await database.run(left, _REVISION)
    if found:
        await database.run(once(delete(consumer_pauses).where(consumer_pauses.c.consumer == name)))
        raise SetupError(
            "EDITQUEUE_DATABASE_URL: D1's HTTP API left half of a batch that failed, so that jobs could get lost; "
            "let the Worker do the work, or give postgresql://user:password@host/database"
        )
    return next((str(row["version_num"]) for row in revisions), None)
