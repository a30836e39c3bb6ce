"""The lock by which others know that this consumer lives, where the database has one."""

from pathlib import Path

from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.job_store.holders.file_holder import FileHolder
from editqueue.adapters.job_store.holders.files import holders_folder
from editqueue.domain.ids import new_consumer_name
from editqueue.ports.holder import Holder
from editqueue.ports.journal import Journal


def open_file_holder(url: str, *, journal: Journal) -> Holder:
    """On the SQLite database of `url`."""
    folder = holders_folder(Path(parse(url).url.database or ""))
    return FileHolder(folder, consumer=new_consumer_name(), journal=journal)
