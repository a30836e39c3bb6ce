"""A transaction as a value: everything that is sent to the database is known before it is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from editqueue.adapters.job_store.databases.database import Row, Rows
from editqueue.adapters.job_store.databases.statement import Statement

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Queues:
    """Jobs that a transaction may put into the queue, to run at once; it has, where they carry `token`."""

    job_ids: Sequence[str]
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Group(Generic[T]):
    """Statements that run in their order as one transaction, and what their rows mean."""

    statements: tuple[Statement, ...]
    read: Callable[[Sequence[Rows]], T]
    """Given the rows of each statement, in the order of `statements`."""
    queues: Queues | None = None


def reading(statement: Statement, to_value: Callable[[Row], T]) -> Group[Sequence[T]]:
    """Every row of one statement as a value."""
    return Group(statements=(statement,), read=lambda rows: [to_value(row) for row in rows[0]])


def reading_one(statement: Statement, to_value: Callable[[Row], T]) -> Group[T | None]:
    """The first row of one statement as a value; None if it has no rows."""
    return Group(statements=(statement,), read=lambda rows: next(map(to_value, rows[0]), None))


def writing(*statements: Statement) -> Group[None]:
    """Statements whose rows nobody needs."""
    return Group(statements=statements, read=lambda _: None)
