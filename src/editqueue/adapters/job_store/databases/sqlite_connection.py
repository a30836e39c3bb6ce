"""Connections to a SQLite file, and what their errors mean."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from editqueue.adapters.job_store.databases.database import ConstraintViolated
from editqueue.domain.errors import StorageUnavailable

CHECKPOINT_PAGES = 4000
"""16 MB of WAL between checkpoints. At SQLite's 1,000 every hundredth claim paid for one, and the more the larger the
database: claim p99 at a million jobs was 1.6 x that at a thousand (bench growth)."""
WAL_SECONDS, WAL_PAUSE = 5.0, 0.02
"""For a switch that takes milliseconds, and between two tries."""
_IS_ANOTHERS = "SELECT count(*) > 0 AND max(name = 'alembic_version') = 0 FROM sqlite_master WHERE type = 'table'"
_DEFECTS = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE}
"""The first for a wrong syntax or name."""


def connect(path: Path, *, busy_timeout_ms: int) -> sqlite3.Connection:
    """For any thread, one at a time; the caller begins and ends transactions. SQLite makes a file that is missing."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        prepare(connection, busy_timeout_ms=busy_timeout_ms)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, *, busy_timeout_ms: int) -> None:
    """`busy_timeout_ms` is how long SQLite itself waits for writers of other processes."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={busy_timeout_ms}")
    _enter_wal(cursor)
    # FULL: an answered submit survives a power cut, not only a crash.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    cursor.close()


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    """Switch a new database to WAL; that of a program without Alembic is left as it is. SQLite answers "locked" at
    once, without its busy handler, when another process switches the same new file at the same moment."""
    until = time.monotonic() + WAL_SECONDS
    while True:
        try:
            if not cursor.execute(_IS_ANOTHERS).fetchone()[0]:
                cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(WAL_PAUSE)
        else:
            return


@contextmanager
def errors_translated() -> Generator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise ConstraintViolated(str(error)) from error
    except (sqlite3.Error, OSError) as error:
        if isinstance(error, sqlite3.Error) and _is_defect(error):
            raise
        raise StorageUnavailable(f"database: {error}") from error


def is_busy(error: sqlite3.Error) -> bool:
    return _code(error) == sqlite3.SQLITE_BUSY


def is_read_only(error: sqlite3.Error) -> bool:
    return _code(error) == sqlite3.SQLITE_READONLY


def _is_defect(error: sqlite3.Error) -> bool:
    """An error without a code is Python's: a value of a wrong type, a parameter too few. A table that is not there
    was taken away: all are there when a store is opened."""
    code = _code(error)
    return code is None or (code in _DEFECTS and "no such table" not in str(error))


def _code(error: sqlite3.Error) -> int | None:
    extended: int | None = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else extended & 0xFF
