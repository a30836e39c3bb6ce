"""The few SQL constructs that differ between the databases."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Text, bindparam
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import FromClause
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


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
