"""The tests of the tests: each defect below is a classic of job queues, and a promise must catch it."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Update, and_, exists, false, func, select, true, update

from devtools.databases import Kind
from devtools.uncommitted import uncommitted
from devtools.world import World
from editqueue.adapters.job_store.databases.constructs import among, each, given_number, given_text, ids_as_json
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.job_store.databases.postgres import PostgresDatabase
from editqueue.adapters.job_store.databases.postgres_connection import Query
from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.databases.statement import Statement, Template
from editqueue.adapters.job_store.holders import files as holder_files
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.schema import IN_PROGRESS, files, jobs
from editqueue.adapters.job_store.statements import changes, ends, take_over
from editqueue.adapters.job_store.store import postgres_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.ports.job_queue import JobQueue
from tests.reliability.early_sender import messages_before_the_commit
from tests.reliability.held_claim import MUTATIONS, mutation_under_a_claim
from tests.reliability.late_worker import late_worker
from tests.reliability.lock_truth import run_lock_truth
from tests.reliability.steps import ONE_JOB
from tests.reliability.taken_over import taken_after_a_late_look, taken_from_the_living

pytestmark = pytest.mark.reliability


@pytest.fixture(autouse=True)
def _templates() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    yield
    for module in (changes, ends, postgres_store, take_over):
        _forget_templates(module)


def _forget_templates(module: ModuleType) -> None:
    """Templates are kept, with what they were made of."""
    for made in vars(module).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()


async def test_promise_2_catches_a_store_without_the_claim_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave() -> Update:
        any_token = given_text("claim_token") != ""
        mine = update(jobs).where(jobs.c.id == given_text("job_id"), IN_PROGRESS, any_token)
        return mine.values(token=given_text("token")).returning(jobs.c.id)

    guard = "AND edit_jobs.token = given.claim_token"
    assert guard in postgres_store.FINISH
    monkeypatch.setattr(ends, "_leave", leave)
    _forget_templates(ends)
    monkeypatch.setattr(postgres_store, "FINISH", postgres_store.FINISH.replace(guard, ""))
    _forget_templates(postgres_store)

    assert await late_worker(world, ONE_JOB - 1, None, "is at work") != []


async def test_promise_24_catches_a_take_over_that_ignores_the_token(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take_over, "_unmoved", lambda: (IN_PROGRESS, among(jobs.c.id, "tokens")))
    _forget_templates(take_over)

    async with opened(database_url) as store:
        assert await taken_after_a_late_look(database_url, store) != []


async def test_promise_24_catches_a_lock_that_is_never_checked(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def free(descriptor: int, kind: int = 0) -> bool:
        del descriptor, kind
        return True

    def gets_lock(name: ColumnElement[str]) -> ColumnElement[bool]:
        del name
        return true()

    monkeypatch.setattr(holder_files, "lock", free)
    monkeypatch.setattr(take_over, "_held", false)
    monkeypatch.setattr(take_over, "_gets_lock", gets_lock)
    _forget_templates(take_over)

    async with opened(database_url) as store:
        assert await taken_from_the_living(database_url, store) != []


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[SqlStore]:
    store = await open_store(url)
    try:
        yield store
    finally:
        await store.close()


def test_promise_7_catches_mutations_without_the_guard_on_the_files_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_there() -> ColumnElement[bool]:
        other = files.alias("other")
        wanted = each("ids", "counted")
        fit = (other.c.user_id == given_text("user_id"), other.c.deleted_at.is_(None))
        found = select(func.count()).select_from(wanted.join(other, other.c.id == wanted.c.key)).where(*fit)
        return found.scalar_subquery() == given_number("total")

    monkeypatch.setattr(changes, "_all_free", all_there)
    _forget_templates(changes)

    with pytest.raises(AssertionError):
        run_lock_truth("sqlite", examples=100, steps=30, shrink=False)


@pytest.mark.parametrize("what", [one for one in MUTATIONS if one != "revise"])
async def test_promise_7_catches_mutations_that_ask_the_jobs_instead_of_the_files_row(
    database_url: str, kind: Kind, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a check against edit_jobs is worth under READ COMMITTED. SQLite has one writer, so there it holds."""

    def no_job() -> ColumnElement[bool]:
        running = exists().where(IN_PROGRESS, among(jobs.c.file_id))
        return and_(~running, given_text("user_id") != "", given_number("total") > 0)

    def read_files(ids: Iterable[str]) -> Statement:
        return Template(select(*files.c).where(among(files.c.id))).bind(ids=ids_as_json(ids))

    monkeypatch.setattr(changes, "_all_free", no_job)
    monkeypatch.setattr(changes, "lock_files", read_files)
    _forget_templates(changes)

    assert (await mutation_under_a_claim(database_url, what) != []) == (kind == "postgresql")


class EagerSqlite(SqliteDatabase):
    """Wakes consumers for the jobs it has inserted, then commits."""

    def __init__(self, url: str, queue: JobQueue) -> None:
        super().__init__(parse(url))
        self._queue = queue
        self._loop = asyncio.get_running_loop()

    @contextmanager
    def _transaction(self, *, writes: bool, unwanted: threading.Event) -> Generator[sqlite3.Connection]:
        with super()._transaction(writes=writes, unwanted=unwanted) as connection:
            yield connection
            queued = connection.execute("SELECT id FROM edit_jobs WHERE status = 'queued'")
            sending = self._queue.send([row[0] for row in queued])
            asyncio.run_coroutine_threadsafe(sending, self._loop).result()


class EagerPostgres(PostgresDatabase):
    def __init__(self, url: str, queue: JobQueue) -> None:
        super().__init__(parse(url))
        self._queue = queue

    async def _run(self, queries: Sequence[Query]) -> Sequence[Rows]:
        async with uncommitted(self._url.options, queries) as (rows, cursor):
            await cursor.execute("SELECT id FROM edit_jobs WHERE status = 'queued'")
            await self._queue.send([row["id"] for row in await cursor.fetchall()])
            return rows


async def test_promise_5_catches_a_submit_that_sends_before_it_commits(world: World, database_url: str) -> None:
    opened: list[EagerSqlite | EagerPostgres] = []
    kind = EagerSqlite if database_url.startswith("sqlite") else EagerPostgres

    def eager(queue: Any) -> SqlStore:
        opened.append(kind(database_url, queue))
        return SqlStore(opened[0])

    try:
        assert await messages_before_the_commit(world, database_url, store=eager) != []
    finally:
        await opened[0].close()
