"""SQL for D1's HTTP API: texts are bound, numbers and NULL stand in the SQL itself.

The API's schema knows parameters that are texts only. What it makes of a number that is sent nevertheless is not
documented: the binding in a Worker makes it REAL, and as a text it would compare unequal to every number.
"""

from typing import Any, Final

from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from editqueue.adapters.job_store.databases.statement import Statement

_MARK: Final = "\0"
"""Before and after the name of a parameter; no SQL of ours has one."""


class _NamesBetweenMarks(SQLiteCompiler):
    def bindparam_string(self, name: str, **_: Any) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]  # always called so
        return f"{_MARK}{name}{_MARK}"


_DIALECT: Final = sqlite.dialect(paramstyle="named")
_DIALECT.statement_compiler = _NamesBetweenMarks


def with_literals(statement: Statement) -> tuple[str, list[str]]:
    """The SQL with `?` for each text, and the texts in that order.

    Raises TypeError for another value than a text, whole number, truth or None.
    """
    compiled = statement.template.compiled(_DIALECT)
    values = compiled.values(statement.values)
    sql, texts = "", list[str]()
    for number, piece in enumerate(compiled.sql.split(_MARK)):
        if number % 2 == 0:
            sql += piece
        elif isinstance(value := values[piece], str):
            sql += "?"
            texts.append(value)
        else:
            sql += _literal(value)
    return sql, texts


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, int):
        raise TypeError(f"D1's HTTP API takes texts as parameters, not {type(value).__name__}")
    return f"({int(value)})" if value < 0 else str(int(value))
