"""The driver for Cloudflare D1: a group of statements is one `batch()`, which is one transaction.

D1 has no BEGIN and takes at most 100 bound parameters a statement; ids travel as one JSON parameter, so no
statement of the store comes near. What the binding hands back is SQLite seen through JavaScript: numbers
without a fraction may be floats, booleans are 1 and 0.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from editqueue.adapters.job_store.databases.d1_errors import understood
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.js_interop import first_line, js_exceptions, refused_by_type
from editqueue.domain.errors import StorageUnavailable

_DIALECT: Final = sqlite.dialect(paramstyle="qmark")
PROBE: Final = Template(text("SELECT unixepoch('subsec') AS now"))


class Prepared(Protocol):
    def bind(self, *parameters: object) -> "Prepared": ...


class D1Binding(Protocol):
    """What this driver uses of the binding, as the Workers SDK shows it to Python."""

    def prepare(self, query: str) -> Prepared: ...

    async def batch(self, statements: list[Prepared]) -> Sequence[Mapping[str, Any]]: ...


class D1Database:
    """`Database` over a D1 binding."""

    def __init__(self, binding: D1Binding) -> None:
        self._binding = binding

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        try:
            results = await self._binding.batch([self._prepared(statement) for statement in statements])
        except js_exceptions() as error:
            raise _translated(error) from error
        return [[dict(row) for row in result.get("results") or ()] for result in results]

    def _prepared(self, statement: Statement) -> Prepared:
        sql, values = statement.compiled(_DIALECT)
        # JavaScript's true is no number to D1.
        return self._binding.prepare(sql).bind(*(int(value) if isinstance(value, bool) else value for value in values))

    async def probe(self) -> datetime:
        """Reachable is all that D1 shows without rows written, which it counts and bills."""
        [[row]] = await self.run(PROBE.bind())
        return datetime.fromtimestamp(float(row["now"]), UTC)

    async def close(self) -> None:
        """Nothing to close: the runtime owns the binding."""


def _translated(error: BaseException) -> Exception:
    said = first_line(error)
    if refused_by_type(error):
        return TypeError(f"D1: {said}")
    return understood(said) or StorageUnavailable(f"D1: {said}")
