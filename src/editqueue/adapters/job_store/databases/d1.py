"""The driver for Cloudflare D1: a group of statements is one `batch()`, which is one transaction.

D1 has no BEGIN and takes at most 100 bound parameters a statement; ids travel as one JSON parameter, so no
statement of the store comes near. What the binding hands back is SQLite seen through JavaScript: numbers
without a fraction may be floats, booleans are 1 and 0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, cast

from sqlalchemy import BindParameter, Dialect, Executable, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.cache_key import CacheKey
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import LRUCache

from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.js_interop import first_line, js_exceptions, refused_by_type
from editqueue.domain.errors import StorageUnavailable

MOST_PARAMETERS = 100
"""Bound to one statement (developers.cloudflare.com/d1/platform/limits)."""
MOST_STATEMENTS: Final = 500
"""Kept compiled: there are under a hundred, but for optional parts."""
_DIALECT: Final = sqlite.dialect(paramstyle="qmark")


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

    async def run(self, *statements: Executable) -> Sequence[Rows]:
        try:
            compiled = [cached_for_d1(statement) for statement in statements]
            results = await self._binding.batch([self._binding.prepare(sql).bind(*values) for sql, values in compiled])
        except js_exceptions() as error:
            raise _translated(error) from error
        return [[dict(row) for row in result.get("results") or ()] for result in results]

    async def probe(self) -> datetime:
        """Reachable is all that D1 shows without rows written, which it counts and bills."""
        [[row]] = await self.run(text("SELECT unixepoch('subsec') AS now"))
        return datetime.fromtimestamp(float(row["now"]), UTC)

    async def close(self) -> None:
        """Nothing to close: the runtime owns the binding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """A statement as D1 takes it: the same for every statement that differs in its values only."""

    sql: str
    made: SQLCompiler
    parameters: Sequence[tuple[str, Callable[[Any], object] | None]]
    """Their names in the order of their marks, and how SQLite's driver would bind each: True as 1."""

    def values(self, extracted: Sequence[BindParameter[Any]] | None = None) -> Sequence[object]:
        """Those of the statement it was made of, or of the one that these were extracted from."""
        values = self.made.construct_params(extracted_parameters=extracted)
        return [values[name] if process is None else process(values[name]) for name, process in self.parameters]


_COMPILED: Final = LRUCache[Any, Compiled](MOST_STATEMENTS)


def cached_for_d1(statement: Executable) -> tuple[str, Sequence[object]]:
    """As `compiled_for_d1`, five times faster for a statement that was seen before, with whatever values."""
    key = cast("ClauseElement", statement)._generate_cache_key()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # SQLAlchemy caches by it, too
    if key is None:
        return compiled_for_d1(statement)
    compiled = _COMPILED.get(key.key)
    if compiled is None:
        compiled = compile_for_d1(statement, cache_key=key)
        if compiled.made.post_compile_params:  # a list with a mark for each value: the next may be of another length
            return compiled.sql, compiled.values()
        _COMPILED[key.key] = compiled
    return compiled.sql, compiled.values(key.bindparams)


def compiled_for_d1(statement: Executable, dialect: Dialect = _DIALECT) -> tuple[str, Sequence[object]]:
    """The SQL with `?` for each parameter, and the parameters in that order. Raises ValueError for over 100."""
    compiled = compile_for_d1(statement, dialect)
    return compiled.sql, compiled.values()


def compile_for_d1(statement: Executable, dialect: Dialect = _DIALECT, cache_key: CacheKey | None = None) -> Compiled:
    """Raises ValueError for over 100 parameters."""
    assert isinstance(statement, ClauseElement)  # noqa: S101  # every Executable of ours is one
    made = statement.compile(dialect=dialect, cache_key=cache_key, compile_kwargs={"render_postcompile": True})
    assert isinstance(made, SQLCompiler)  # noqa: S101  # not DDL
    names = made.positiontup or ()
    if len(names) > MOST_PARAMETERS:
        raise ValueError(f"{len(names)} bound parameters, D1 takes {MOST_PARAMETERS}: send ids through each_id()")
    return Compiled(sql=str(made), made=made, parameters=[(name, _processor(made, name)) for name in names])


def _processor(made: SQLCompiler, name: str) -> Callable[[Any], object] | None:
    bind = made.binds.get(name)
    return None if bind is None else bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)


def _translated(error: BaseException) -> Exception:
    """D1 tells what happened in words only, and does not name the statement."""
    text = first_line(error)
    if "constraint failed" in text or "SQLITE_CONSTRAINT" in text:
        return IntegrityError(None, None, error)
    if refused_by_type(error):
        return TypeError(f"D1: {text}")
    return StorageUnavailable(f"D1: {text}")
