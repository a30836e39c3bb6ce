"""How the databases go about every statement of the store, on books of a million finished jobs.

`make bench-plans` prints every plan and counts those that read a whole table.
"""

import json
import os
import re
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import psycopg
from sqlalchemy import Connection, Executable
from sqlalchemy.sql import ClauseElement

from bench.books import Size, load
from bench.figures import Figure
from bench.scratch import NOW
from editqueue.adapters.job_store import SqlStore
from editqueue.adapters.job_store.database import Rows
from editqueue.adapters.job_store.database_url import parse
from editqueue.adapters.job_store.engine_database import EngineDatabase
from editqueue.adapters.job_store.opening import open_database
from editqueue.adapters.job_store.postgres_database import PostgresDatabase
from editqueue.adapters.job_store.postgres_store import PostgresStore
from editqueue.adapters.job_store.sqlite_database import SqliteDatabase
from editqueue.domain.files import FileStatus, Order, Upload
from editqueue.domain.ids import new_id
from editqueue.domain.jobs import JobStatus
from editqueue.domain.keys import ObjectKeys, new_object_name
from editqueue.ports import FileQuery, JobQuery, Renaming
from tests.servers.databases import KINDS, Kind, NewDatabase, new_postgres, new_sqlite

FINISHED = int(os.environ.get("EDITQUEUE_BENCH_FINISHED", "1000000"))
QUEUED = 10_000
SIZE = Size(finished=FINISHED, queued=QUEUED, files=max(FINISHED // 4, QUEUED))
LARGE: Final = ("edit_jobs", "files", "notifications")
ALIASES: Final = ("other", "unchanged", "failed")
"""What our statements call those tables where they appear twice; SQLite tells of them by these names."""
LATER = NOW + timedelta(hours=1)
FIRST: Final = "01000000-0000-7000-8000-000000000000"


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
        its OP_FkIfZero steps over the look."""
        return line == "SCAN edit_jobs" and self.statement.startswith("INSERT INTO files")

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

    async def explain(self, one: Executable, database: EngineDatabase) -> None:
        assert isinstance(one, ClauseElement)
        kind = database.dialect.name
        compiled = one.compile(dialect=database.dialect, compile_kwargs={"render_postcompile": True})
        values: Mapping[str, Any] = compiled.params or {}
        names: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        how = "EXPLAIN (FORMAT JSON)" if kind == "postgresql" else "EXPLAIN QUERY PLAN"

        def ask(connection: Connection) -> list[Sequence[Any]]:
            return [*connection.exec_driver_sql(f"{how} {compiled}", tuple(values[name] for name in names))]

        rows = await database.with_connection(ask)
        if kind == "postgresql":
            self.keep_postgres(str(compiled), rows[0][0])
        else:
            self._keep("sqlite", str(compiled), [str(row[3]) for row in rows])

    def keep_postgres(self, statement: str, custom: Any) -> None:
        self._keep("postgresql", statement, _steps(custom))
        # asyncpg prepares statements, and from the sixth run on the server may plan without looking at parameters.
        self._keep("postgresql, any parameters", statement, _steps(_generic_plan(self.url, statement)))

    def _keep(self, kind: str, statement: str, lines: Sequence[str]) -> None:
        self.found.append(Plan(method=self.method, kind=kind, statement=statement, lines=lines))


class Explaining(EngineDatabase):
    """Asks the database for its plan before it runs a statement."""

    plans: Plans

    async def run(self, *statements: Executable) -> Sequence[Rows]:
        for one in statements:
            await self.plans.explain(one, self)
        return await super().run(*statements)


class ExplainingSqlite(Explaining, SqliteDatabase):
    pass


class ExplainingPostgres(Explaining, PostgresDatabase):
    async def fetch(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        [plan] = await super().fetch(f"EXPLAIN (FORMAT JSON) {query}", *values)
        self.plans.keep_postgres(query, plan[0])
        return await super().fetch(query, *values)


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
    return [here, *(line for one in node.get("Plans", ()) for line in _walk(one, depth + 1))]


def _reads_all(line: str) -> bool:
    """PostgreSQL's "Seq Scan on files", SQLite's "SCAN files" that names no index."""
    scan = re.search(r"Seq Scan on (\w+)|^SCAN (\w+)$", line)
    return scan is not None and (scan[1] or scan[2]) in {*LARGE, *ALIASES}


def _short(statement: str) -> str:
    return " ".join(statement.split())[:200]


async def measure() -> list[Figure]:
    """Every plan goes to stdout."""
    figures: list[Figure] = []
    for kind in KINDS:
        plans = await plans_on(kind, SIZE)
        print(*dict.fromkeys(str(one) for one in plans), sep="\n")
        scans = sum(bool(one.scanned) for one in plans)
        what = f"statements that read a whole table, of {len(plans)} plans, {kind}, {FINISHED:,} finished jobs"
        figures.append(Figure(promise=18, what=what, measured=scans, target=0, unit=""))
    return figures


async def plans_on(kind: Kind, size: Size) -> list[Plan]:
    """The plans of every statement of every method of the store."""
    async with books_on(kind, size) as url:
        plans = Plans(url)
        store = _explaining(kind, url, plans)
        try:
            await Tour(store=store, plans=plans).go()
        finally:
            await store.close()
    return plans.found


def _explaining(kind: Kind, url: str, plans: Plans) -> SqlStore:
    if kind == "sqlite":
        sqlite = ExplainingSqlite(parse(url))
        sqlite.plans = plans
        return SqlStore(sqlite)
    postgres = ExplainingPostgres(parse(url))
    postgres.plans = plans
    return PostgresStore(postgres)


@asynccontextmanager
async def books_on(kind: Kind, size: Size) -> AsyncGenerator[str]:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Tour:
    """Every method of the store, once, on the books of a busy day."""

    store: SqlStore
    plans: Plans

    async def go(self) -> None:
        """Claims and their ends first: there is something to claim."""
        for one in (self._orders, self._changes, self._claims, self._sweeps, self._books):
            await one()

    async def call(self, method: Callable[..., Awaitable[Any]], *words: Any, **named: Any) -> Any:
        self.plans.method = method.__name__
        return await method(*words, **named)

    async def _orders(self) -> None:
        store, call = self.store, self.call
        order = Order(id=new_id(), user_id="tour", title="", shootcode="TOUR01", notes=None, created_at=NOW)
        await call(store.create_order, order)
        await call(store.order, order.id)
        for _ in range(3):
            upload = _upload(order)
            await call(store.record_upload, upload)
            await call(store.upload, upload.object_key)
            await call(store.add_file, new_id(), upload=upload, size=1, exif_meta=None, now=NOW)
            await call(store.file_of_key, upload.object_key)
        files = await call(store.list_files, FileQuery(order_id=order.id))
        await call(store.list_files, FileQuery(order_id=order.id, status=FileStatus.DONE, marked=True, room_type="bad"))
        ids = [one.id for one in files]
        await call(store.files, ids)
        await call(store.mark_files, ids, user_id="tour", marked=True, now=NOW)
        names = [Renaming(file_id=one.id, old_name=one.name, ver=1, new_name="x") for one in files]
        await call(store.rename_files, names, user_id="tour", now=NOW)
        await call(store.submit, ids, order_id=order.id, user_id="tour", express=True, notes="n", now=NOW)
        await call(store.count_files, order.id)
        await call(store.delete_files, ids[:1], user_id="tour", now=NOW)

    async def _changes(self) -> None:
        await self.call(self.store.approve_file, FIRST, user_id="user0", now=NOW)
        await self.call(self.store.revise, FIRST, user_id="user0", note="heller", now=NOW)

    async def _claims(self) -> None:
        store, call = self.store, self.call
        await call(store.finish, await self._claim(), preview_url="r2://b/k", bytes_copied=1, now=LATER)
        taken = await self._claim()
        await call(store.fail, taken, error="e", message="{name}", file_status=FileStatus.FAILED, now=LATER)
        await call(store.retry_job, taken.job.id, now=LATER)
        await call(store.retry_later, await self._claim(), error="e", run_after=LATER, now=LATER)
        await call(store.hand_back, await self._claim(), now=LATER)

    async def _claim(self) -> Any:
        return await self.call(self.store.claim_next, now=LATER)

    async def _sweeps(self) -> None:
        store, call = self.store, self.call
        for _ in range(10):
            await self._claim()
        await call(store.requeue_stale, started_before=LATER + timedelta(1), max_retries=3, message="m", now=LATER)
        due = await call(store.begin_expiry, finished_before=LATER, abandoned_before=NOW, limit=10, now=LATER)
        await call(store.settle_expiry, due[0], now=LATER)
        await call(store.reset_stale_locks, now=LATER)

    async def _books(self) -> None:
        store, call = self.store, self.call
        await call(store.notifications, "user0", limit=50, before_id=None)
        await call(store.notifications, "user0", limit=50, before_id="02")
        await call(store.job, FIRST)
        for status in (None, *JobStatus):
            await call(store.jobs, JobQuery(status=status))
        await call(store.jobs, JobQuery(order_id=FIRST))
        await call(store.jobs, JobQuery(order_id=FIRST, status=JobStatus.FAILED))
        await call(store.has_work)
        await call(store.census, now=LATER)
        await call(store.known_objects, after_key="user/user1", limit=1000)


def _upload(order: Order) -> Upload:
    key = ObjectKeys(order.user_id, order.id, new_object_name("bild.jpg")).raw
    return Upload(
        object_key=key,
        order_id=order.id,
        user_id=order.user_id,
        filename="bild.jpg",
        mime="image/jpeg",
        room_type=None,
        stack_id=None,
        created_at=NOW,
    )
