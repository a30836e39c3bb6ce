"""The one-method driver under the store, and the few constructs that differ between databases."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Executable, Text, bindparam
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import FromClause
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from editqueue.domain.errors import StorageUnavailable

Row = Mapping[str, Any]
Rows = Sequence[Row]


class StatementRefused(StorageUnavailable):
    """The database is there and refused this statement: a deadlock, a value it cannot store."""


class Database(Protocol):
    async def run(self, *statements: Executable) -> Sequence[Rows]:
        """Run the statements in order as one transaction; the rows of each, empty for those without any.

        No statement may depend on a decision made in Python in between: D1 takes the whole group at once.
        Raises StorageUnavailable when the database cannot be reached; then nothing was changed, or, if the
        connection broke during the commit, all of it was.
        """
        ...

    async def close(self) -> None: ...


class _JsonEach(FunctionElement[Any]):
    """Rows (key, value) of a JSON object: any number of ids as one bound parameter (D1 allows 100)."""

    inherit_cache = True
    name = "json_each"


@compiles(_JsonEach)
def _json_each(element: _JsonEach, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_JsonEach, "postgresql")
def _json_each_text(element: _JsonEach, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each_text(CAST({compiler.process(element.clauses, **options)} AS JSON))"


@compiles(OnConflictDoNothing, "postgresql")
def _on_conflict(*_: object, **__: object) -> str:
    """SQLite's clause, which SQLAlchemy compiles for SQLite only; the SQL is the same."""
    return "ON CONFLICT DO NOTHING"


def each(pairs: Mapping[str, str], name: str) -> FromClause:
    """A table of `pairs`, with the columns `key` and `value`."""
    body = bindparam(None, json.dumps(dict(pairs)), type_=Text, unique=True)
    return _JsonEach(body).table_valued("key", "value", name=name)


def each_id(ids: Iterable[str], name: str = "ids") -> FromClause:
    """A table of `ids`, in its column `key`."""
    return each(dict.fromkeys(ids, ""), name)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC, as stored."""
    return round(moment.timestamp() * 1000)


def to_time(ms: float) -> datetime:
    """The reverse of `to_ms`; D1 hands integers back as floats."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def to_time_or_none(ms: float | None) -> datetime | None:
    return None if ms is None else to_time(ms)
