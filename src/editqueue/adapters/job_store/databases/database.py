"""What the store needs of a database: one method that runs a group of statements."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Executable

from editqueue.domain.errors import StorageUnavailable

Row = Mapping[str, Any]
Rows = Sequence[Row]


class StatementRefused(StorageUnavailable):
    """The database is there and refused this statement for now: a deadlock, a lock held too long."""


class Database(Protocol):
    async def run(self, *statements: Executable) -> Sequence[Rows]:
        """Run the statements in order as one transaction; the rows of each, empty for those without any.

        No statement may depend on a decision made in Python in between: D1 takes the whole group at once.
        Raises StorageUnavailable when the database cannot be reached or cannot work; then nothing was changed, or,
        if the connection broke during the commit, all of it was. Raises sqlalchemy's IntegrityError when a
        constraint refuses a row. A wrong statement or value is a defect: its error comes out as it is.
        """
        ...

    async def close(self) -> None: ...
