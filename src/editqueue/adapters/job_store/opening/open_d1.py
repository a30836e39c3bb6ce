"""Open a store on D1's HTTP API, once it was seen to keep its word."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import delete, insert, select, text

from editqueue.adapters.job_store.databases.d1_http import D1Access, D1HttpDatabase
from editqueue.adapters.job_store.databases.database import ConstraintViolated
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.revisions import newest_revision
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import consumer_pauses
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.store.d1_store import D1HttpStore
from editqueue.domain.errors import SetupError, StorageUnavailable
from editqueue.domain.ids import new_token

MIGRATING: Final = "`make deploy-cloudflare`, or `wrangler d1 migrations apply NAME --remote` in deploy/cloudflare"
_REVISION: Final = once(text("SELECT version_num FROM alembic_version"))


async def open_d1_store(access: D1Access, *, traceparent: TraceParent | None = None) -> D1HttpStore:
    """A store on the database of `access`; `traceparent` says what request runs, where traces are on. Raises SetupError
    when it cannot be used, its schema is not the one this version needs, or a batch is not one transaction there."""
    database = D1HttpDatabase(access)
    try:
        await _check(database)
    except StorageUnavailable as error:
        await database.close()
        raise SetupError(f"EDITQUEUE_DATABASE_URL: cannot open d1://{access.database_id}: {error}") from error
    except BaseException:
        await database.close()
        raise
    return D1HttpStore(database, traceparent=traceparent)


async def _check(database: D1HttpDatabase) -> None:
    found, newest = await _revision_behind_a_failed_batch(database), newest_revision()
    if found != newest:
        is_newer = found is not None and found > newest
        remedy = "run the version that brought it there, or a newer one" if is_newer else f"run {MIGRATING}"
        raise SetupError(
            f"the database schema of D1 is at revision {found or 'none'}, this version needs {newest}: {remedy}"
        )


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
