"""The few SQL constructs that differ between the databases."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Boolean, ColumnElement, Text, bindparam, select
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


def given_text(parameter: str) -> BindParameter[str]:
    """A text that comes with each run, like the numbers and truths below."""
    return bindparam(parameter, type_=Text)


def given_number(parameter: str) -> BindParameter[int]:
    return bindparam(parameter, type_=BigInteger)


def given_time(parameter: str = "now") -> BindParameter[int]:
    """As rows.to_ms has it."""
    return given_number(parameter)


def given_truth(parameter: str) -> BindParameter[bool]:
    return bindparam(parameter, type_=Boolean)


def each(parameter: str, name: str) -> FromClause:
    """A table `name` with the columns `key` and `value`, of the pairs that `parameter` gets `as_json`."""
    return _JsonEach(given_text(parameter)).table_valued("key", "value", name=name)


class _Among(FunctionElement[Any]):
    """Whether a column is one of the rows of a select. Were it a Boolean, SQLite would be asked whether it equals 1,
    and read the whole table."""

    inherit_cache = True


@compiles(_Among)
def _in(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, chosen = element.clauses
    return f"{compiler.process(column, **options)} IN {compiler.process(chosen, **options)}"


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    """As an array, so that each is looked up in the column's index. Of a select PostgreSQL assumes a hundred rows: it
    walks a whole index of active jobs instead, which is long where a transaction keeps what is dead."""
    column, chosen = element.clauses
    return f"{compiler.process(column, **options)} = ANY (ARRAY{compiler.process(chosen, **options)})"


def among(column: ColumnElement[str], parameter: str = "ids") -> ColumnElement[bool]:
    """Whether `column` is one of the ids that `parameter` gets by `ids_as_json`: a condition, not to be compared."""
    return _Among(column, select(each(parameter, f"each_of_{parameter}").c.key).scalar_subquery())


def as_json(pairs: Mapping[str, str]) -> str:
    """Pairs as one value for a parameter."""
    return json.dumps(dict(pairs))


def ids_as_json(ids: Iterable[str]) -> str:
    """Ids as one value for a parameter."""
    return as_json(dict.fromkeys(ids, ""))
