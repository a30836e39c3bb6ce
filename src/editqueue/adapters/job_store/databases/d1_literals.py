"""SQL for D1's HTTP API: texts are bound, numbers and NULL stand in the SQL itself.

The API's schema knows parameters that are texts only. What it makes of a number that is sent nevertheless is not
documented: the binding in a Worker makes it REAL, and as a text it would compare unequal to every number.
"""

from typing import Any, Final, cast

from sqlalchemy import BindParameter, Executable
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from editqueue.adapters.job_store.databases.d1 import compiled_for_d1


class _NumbersInTheText(SQLiteCompiler):
    def visit_bindparam(self, bindparam: BindParameter[Any], **options: Any) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]  # its further parameters go through
        value = bindparam.effective_value
        if bindparam.expanding or bindparam.required or not (value is None or isinstance(value, int)):
            return str(super().visit_bindparam(bindparam, **options))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # SQLAlchemy leaves its type open
        if value is None:
            return "NULL"
        return f"({int(value)})" if value < 0 else str(int(value))


_DIALECT: Final = sqlite.dialect(paramstyle="qmark")
_DIALECT.statement_compiler = _NumbersInTheText


def compiled_with_literals(statement: Executable) -> tuple[str, list[str]]:
    """The SQL with `?` for each text, and the texts in that order.

    Raises ValueError for over 100 of them, and TypeError for another value than a text, whole number, truth or None.
    """
    sql, values = compiled_for_d1(statement, _DIALECT)
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"D1's HTTP API takes texts as parameters, not {type(value).__name__}")
    return sql, cast("list[str]", list(values))
