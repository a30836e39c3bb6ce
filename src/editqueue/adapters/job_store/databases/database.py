"""What the store needs of a database: a method that runs a group of statements, and one that asks whether it could."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from editqueue.adapters.job_store.databases.statement import Statement
from editqueue.domain.errors import StorageUnavailable

GROUP_SECONDS: Final = 10.0
"""From when a group is asked for: then it has what it waits for (a lock, a connection, its turn), or it is refused."""
PROBE_SECONDS: Final = 5.0
"""A probe waits less: somebody wants to know now."""

Row = Mapping[str, Any]
Rows = Sequence[Row]


class StatementRefused(StorageUnavailable):
    """The database is there and refused this statement for now: a deadlock, a lock held too long."""


class ConstraintViolated(Exception):
    """A constraint of a table refuses a row."""


class Database(Protocol):
    async def run(self, *statements: Statement) -> Sequence[Rows]:
        """Run the statements in order as one transaction; the rows of each, empty for those without any.

        No statement may depend on a decision made in Python in between: D1 takes the whole group at once.
        Raises StorageUnavailable when the database cannot be reached or cannot work; then nothing was changed, or,
        if the connection broke during the commit, all of it was. Raises ConstraintViolated when a
        constraint refuses a row. A wrong statement or value is a defect: its error comes out as it is.
        """
        ...

    async def probe(self) -> datetime:
        """The time by the database's own clock. Raises StorageUnavailable unless the database can be written now."""
        ...

    async def close(self) -> None:
        """Ends within seconds, whatever holds the database: groups in line are refused, others get a moment."""
        ...
