"""What PostgreSQL's errors mean. Of its messages only the first line is kept: the details quote customers."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.errors import lookup

from editqueue.adapters.job_store.databases.database import ConstraintViolated, StatementRefused
from editqueue.domain.errors import StorageUnavailable

_CONSTRAINT: Final = "23"
_AWAY: Final = ("08", "53", "57", "58")
"""What no other statement would get round: the connection broke, the server lacks room or memory, it shuts down or
an operator intervened, its disk or system failed. As in the next, SQLSTATE classes."""
_DEFECTS: Final = ("0A", "21", "22", "42")
"""Not supported, wrong number of rows, wrong value, wrong syntax or name."""
_TAKEN_AWAY: Final = {"42501", "42P01"}
"""Of those, a right or a table that was there when the store was opened, which whoever took it away can give back."""
_DEADLOCKED: Final = {"40001", "40P01"}
"""PostgreSQL ended the transaction in favour of another (serialization, deadlock)."""
_THROWN_OUT: Final = {"57P01", "57P02", "57P03"}
"""The session was ended: by an operator, with the server."""
_NOT_OURS: Final = {"26000", "42P05"}
"""What we prepared is not there, or somebody else prepared the same: a proxy such as PgBouncer shares sessions."""
_OTHER_COLUMNS: Final = ("0A000", "RevalidateCachedQuery")
"""Somebody changed a table, and a prepared statement would answer with other columns: its state, and the server's
function that says so."""


class QueryFailed(Exception):
    """The server refused a statement of a group, or the group's commit; nothing was changed."""

    def __init__(self, message: str, *, state: str, function: str = "", committing: bool = False) -> None:
        """`function` of the server's sources. A session that is ended by force after the last statement, `committing`,
        may have committed."""
        super().__init__(message)
        self.state = state
        self.sessions_are_shared = state in _NOT_OURS
        self.spoils_connection = self.sessions_are_shared or (state, function) == _OTHER_COLUMNS
        """What is prepared there is not what we believe."""
        self.may_start_over = (
            self.spoils_connection or state in _DEADLOCKED or (state in _THROWN_OUT and not committing)
        )
        """Nothing was changed for sure, and another try may well succeed."""


class ConnectionLost(Exception):
    """No more answers; what was sent may have been done."""


@contextmanager
def errors_translated() -> Generator[None]:
    """As `Database.run` says; what remains of a defect is the driver's error of that kind."""
    try:
        yield
    except QueryFailed as error:
        raise _meaning(error) from error
    except (ConnectionLost, psycopg.OperationalError, OSError) as error:
        raise StorageUnavailable(f"database: {first_line(error)}") from error


def _meaning(error: QueryFailed) -> Exception:
    message = f"database: {error}"
    if error.state.startswith(_CONSTRAINT):
        return ConstraintViolated(message)
    if error.state.startswith(_DEFECTS) and error.state not in _TAKEN_AWAY and not error.spoils_connection:
        return _of_the_driver(error.state)(str(error))
    return (StorageUnavailable if error.state.startswith(_AWAY) else StatementRefused)(message)


def _of_the_driver(state: str) -> type[psycopg.Error]:
    try:
        return lookup(state)
    except KeyError:
        return psycopg.DatabaseError


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
