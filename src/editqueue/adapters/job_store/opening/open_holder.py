"""The lock by which others know that this consumer lives, where the database has one."""

from pathlib import Path
from typing import TYPE_CHECKING

from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.job_store.holders.file_holder import FileHolder
from editqueue.adapters.job_store.holders.files import holders_folder
from editqueue.domain.ids import new_consumer_name
from editqueue.ports.holder import Holder
from editqueue.ports.journal import Journal

if TYPE_CHECKING:
    from editqueue.adapters.postgres_session import PostgresSession


def open_holder(url: str, session: "PostgresSession | None", *, journal: Journal) -> Holder:
    """On the SQLite database of `url`, or in `session` on a PostgreSQL server."""
    consumer = new_consumer_name()
    if session is not None:
        # only here: PostgreSQL's driver takes long to import
        from editqueue.adapters.job_store.holders.session_holder import SessionHolder  # noqa: PLC0415

        return SessionHolder(session, consumer=consumer, journal=journal)
    folder = holders_folder(Path(parse(url).url.database or ""))
    return FileHolder(folder, consumer=consumer, journal=journal)
