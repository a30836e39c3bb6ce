"""How the databases go about every statement of the store: their plans, on tables of any size."""

import json
import re
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Connection

from devtools.databases import Kind, NewDatabase, new_postgres, new_sqlite
from devtools.history import Size, load
from devtools.holding import holding
from devtools.scratch import NOW
from devtools.tour import Tour
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.job_store.databases.postgres import PostgresDatabase
from editqueue.adapters.job_store.databases.postgres_connection import Query
from editqueue.adapters.job_store.databases.sqlite import DIALECT, SqliteDatabase
from editqueue.adapters.job_store.databases.statement import Statement
from editqueue.adapters.job_store.holders.files import HolderFiles, holders_folder
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.adapters.job_store.store.postgres_store import PostgresStore
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.job_store.store.sqlite_store import SqliteStore

LARGE: Final = ("edit_jobs", "files", "notifications", "attempts")
ALIASES: Final = ("other", "unchanged", "failed", "earlier", "last", "old")
"""What our statements call those tables where they appear twice; SQLite tells of them by these names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    method: str
    """Of the store."""
    kind: str
    """`sqlite`, `postgresql`, or `postgresql, any parameters`."""
    statement: str
    lines: Sequence[str]

    @property
    def scanned(self) -> Sequence[str]:
        """Steps that read a whole table."""
        return [line for line in self.lines if _reads_all(line) and not self._is_skipped(line)]

    def _is_skipped(self, line: str) -> bool:
        """SQLite plans to look for children of a new parent row, for foreign keys checked late; there are none, and
        its OP_FkIfZero steps over the look. Both databases look at all files only if the books differ."""
        of_no_child = line == "SCAN edit_jobs" and self.statement.startswith("INSERT INTO files")
        return of_no_child or ("AS books_differ" in self.statement and "files" in line)

    def __str__(self) -> str:
        steps = "\n".join(f"    {line}" for line in self.lines)
        return f"{self.method} ({self.kind}): {_short(self.statement)}\n{steps}"


class Plans:
    """Of the statements of one database, as they come."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.method = ""
        """Of the store, whose statements come next."""
        self.found: list[Plan] = []

    def begin(self, method: str) -> None:
        self.method = method

    async def explain_sqlite(self, statement: Statement, database: SqliteDatabase) -> None:
        sql, values = statement.compiled(DIALECT)

        def ask(connection: Connection) -> list[Sequence[Any]]:
            return [*connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", tuple(values))]

        rows = await database.with_connection(ask)
        self._keep("sqlite", sql, [str(row[3]) for row in rows])

    def keep_postgres(self, statement: str, custom: Any) -> None:
        self._keep("postgresql", statement, _steps(custom))
        # Statements are prepared, and from the sixth run on the server may plan without looking at parameters.
        self._keep("postgresql, any parameters", statement, _steps(_generic_plan(self.url, statement)))

    def _keep(self, kind: str, statement: str, lines: Sequence[str]) -> None:
        self.found.append(Plan(method=self.method, kind=kind, statement=statement, lines=lines))


class ExplainingSqlite(SqliteDatabase):
    """Asks the database for its plan before it runs a statement."""

    plans: Plans

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        for statement in statements:
            await self.plans.explain_sqlite(statement, self)
        return await super().run(*statements)


class ExplainingPostgres(PostgresDatabase):
    """The same."""

    plans: Plans

    async def _run(self, queries: Sequence[Query]) -> Sequence[Rows]:
        for sql, values in queries:
            [[plan]] = await super()._run([(f"EXPLAIN (FORMAT JSON) {sql}", values)])
            self.plans.keep_postgres(sql, plan["QUERY PLAN"])
        return await super()._run(queries)


def _generic_plan(url: str, statement: str) -> Any:
    with psycopg.connect(url) as connection:
        [plan] = connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement}".encode()).fetchall()[0]
    return plan


def _steps(plan: Any) -> list[str]:
    """The plan as lines, like EXPLAIN's own text."""
    root = json.loads(plan) if isinstance(plan, str) else plan
    return list(_walk(root[0]["Plan"], 0))


def _walk(node: dict[str, Any], depth: int) -> Sequence[str]:
    index = f" using {node['Index Name']}" if "Index Name" in node else ""
    table = f" on {node['Relation Name']}" if "Relation Name" in node else ""
    condition = next((f" ({name}: {node[name]})" for name in ("Index Cond", "Filter") if name in node), "")
    here = f"{'  ' * depth}{node['Node Type']}{index}{table}{condition}"
    return [here, *(line for step in node.get("Plans", ()) for line in _walk(step, depth + 1))]


def _reads_all(line: str) -> bool:
    """PostgreSQL's "Seq Scan on files", SQLite's "SCAN files" that names no index."""
    scan = re.search(r"Seq Scan on (\w+)|^SCAN (\w+)$", line)
    return scan is not None and (scan[1] or scan[2]) in {*LARGE, *ALIASES}


def _short(statement: str) -> str:
    return " ".join(statement.split())[:200]


async def plans_on(kind: Kind, size: Size) -> list[Plan]:
    """The plans of every statement of every method of the store."""
    async with database_with(kind, size) as url:
        plans = Plans(url)
        store = _explaining(kind, url, plans)
        try:
            async with holding(url) as gone:
                pass
            await Tour(store=store, before=plans.begin, gone=gone.consumer).go()
        finally:
            await store.close()
    return plans.found


def _explaining(kind: Kind, url: str, plans: Plans) -> SqlStore:
    if kind == "sqlite":
        sqlite = ExplainingSqlite(parse(url))
        sqlite.plans = plans
        return SqliteStore(sqlite, HolderFiles(holders_folder(sqlite.path)))
    postgres = ExplainingPostgres(parse(url))
    postgres.plans = plans
    return PostgresStore(postgres)


@asynccontextmanager
async def database_with(kind: Kind, size: Size) -> AsyncGenerator[str]:
    """A database with so many jobs; gone at the end."""
    with new_postgres() if kind == "postgresql" else scratch_sqlite() as new:
        url = new()
        database = open_database(url, command_seconds=None)
        try:
            await load(database, size, moment=round(NOW.timestamp() * 1000))
        finally:
            await database.close()
        yield url


@contextmanager
def scratch_sqlite() -> Generator[NewDatabase]:
    with tempfile.TemporaryDirectory() as folder:
        yield lambda: new_sqlite(Path(folder))
