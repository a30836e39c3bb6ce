"""The file of a SQLite database, for commands that look at one and never make one."""

from pathlib import Path

from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.domain.errors import SetupError
from editqueue.settings import Settings


def database_file(settings: Settings) -> Path | None:
    """None for another kind of database. Raises SetupError for a URL that cannot be read."""
    if not settings.database_url.startswith("sqlite:"):
        return None
    return Path(parse(settings.database_url).url.database or "").absolute()


def confirm_database_file(settings: Settings) -> None:
    """Raises SetupError, naming the place, where there is no database: SQLite would make an empty one."""
    file = database_file(settings)
    try:
        if file is None or file.is_file():
            return
    except OSError as error:
        raise SetupError(f"{file}: {error.strerror}; call this as the user that the system runs as") from error
    if settings.embedded:
        raise SetupError(
            f"there is no database in {file.parent} (EDITQUEUE_DATA_DIR): call this where the system runs, or give its "
            "data dir, for example EDITQUEUE_DATA_DIR=/var/lib/editqueue; `editqueue serve` starts a new one here"
        )
    raise SetupError(
        f"there is no database {file} (EDITQUEUE_DATABASE_URL): give that of the running system, or mount its disk; "
        "a new system gets a new one by `editqueue migrate`"
    )
