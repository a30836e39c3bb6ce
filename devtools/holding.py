"""A consumer's lock on a database, as a consumer process has it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from psycopg.conninfo import make_conninfo

from devtools.world import RecordingJournal
from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.job_store.opening.open_holder import open_holder
from editqueue.adapters.postgres_session import PostgresSession
from editqueue.ports.holder import Holder


@asynccontextmanager
async def holding(url: str) -> AsyncGenerator[Holder]:
    """The lock of one more consumer on the database `url`, held until the end of the block, or of the process."""
    journal, session = RecordingJournal(), open_session(url)
    holder = open_holder(url, session, journal=journal)
    try:
        async with holder.hold():
            assert holder.held_as is not None, journal.warnings
            yield holder
    finally:
        if session is not None:
            await session.close()


def open_session(url: str) -> PostgresSession | None:
    """Not started yet; None on SQLite."""
    parsed = parse(url)
    if parsed.is_sqlite:
        return None
    return PostgresSession(make_conninfo("", **parsed.options), purpose="test", journal=RecordingJournal())
