"""The race of promise 7: a claim has done everything but commit when the customer changes the file."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

from sqlalchemy import text

from devtools.seeds import LATER, NOON, seed_files, seed_order, submit
from devtools.uncommitted import uncommitted
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.job_store.databases.postgres import PostgresDatabase
from editqueue.adapters.job_store.databases.postgres_connection import Query
from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database, open_store
from editqueue.adapters.job_store.store.postgres_store import PostgresStore
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.files import File
from editqueue.ports.job_store import Renaming

BLOCKED = 0.2
"""Seconds after which a mutation that SQLite has not answered is taken to wait for the claim: it cannot be asked."""
WAITING = once(
    text("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
)


class HeldSqlite(SqliteDatabase):
    """Stops before every commit until it is told to go on."""

    def __init__(self, url: str) -> None:
        super().__init__(parse(url))
        self.reached, self.go_on = asyncio.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()

    def store(self) -> SqlStore:
        return SqlStore(self)

    @contextmanager
    def _transaction(self, *, writes: bool, unwanted: threading.Event) -> Generator[sqlite3.Connection]:
        with super()._transaction(writes=writes, unwanted=unwanted) as connection:
            yield connection
            self._loop.call_soon_threadsafe(self.reached.set)
            self.go_on.wait()


class HeldPostgres(PostgresDatabase):
    """The same."""

    def __init__(self, url: str) -> None:
        super().__init__(parse(url))
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    def store(self) -> SqlStore:
        return PostgresStore(self)

    async def _run(self, queries: Sequence[Query]) -> Sequence[Rows]:
        async with uncommitted(self._url.options, queries) as (rows, _):
            self.reached.set()
            await self.go_on.wait()
            return rows


async def _delete(store: SqlStore, file: File) -> object:
    return await store.delete_files([file.id], user_id="anna", now=LATER)


async def _rename(store: SqlStore, file: File) -> object:
    wish = Renaming(file_id=file.id, old_name=file.name, ver=file.ver, new_name="neu.jpg")
    return await store.rename_files([wish], user_id="anna", now=LATER)


async def _mark(store: SqlStore, file: File) -> object:
    return await store.mark_files([file.id], user_id="anna", marked=False, now=LATER)


async def _revise(store: SqlStore, file: File) -> object:
    return await store.revise(file.id, user_id="anna", note="heller", now=LATER)


MUTATIONS: dict[str, Callable[[SqlStore, File], Awaitable[object]]] = {
    "delete": _delete,
    "rename": _rename,
    "mark": _mark,
    "revise": _revise,
}


async def _until_it_waits(url: str, changing: asyncio.Future[object]) -> None:
    if url.startswith("sqlite"):
        await asyncio.wait([changing], timeout=BLOCKED)
        return
    asking = open_database(url)
    try:
        while not changing.done():
            [[answer]] = await asking.run(WAITING)
            if answer["n"]:
                return
    finally:
        await asking.close()


async def mutation_under_a_claim(url: str, what: str) -> list[str]:
    """How the file was changed although the claim came first."""
    store = await open_store(url)
    held = HeldSqlite(url) if url.startswith("sqlite") else HeldPostgres(url)
    try:
        [file] = await seed_files(store, await seed_order(store), 1)
        await submit(store, [file])
        claiming = asyncio.create_task(held.store().claim_next(now=NOON))
        await held.reached.wait()
        changing = asyncio.ensure_future(MUTATIONS[what](store, file))
        await _until_it_waits(url, changing)
        held.go_on.set()
        claim, _ = await claiming, await changing
        assert claim is not None
        [after] = await store.files([file.id])
        return [] if after == claim.file else [f"{what} changed a locked file: {after}"]
    finally:
        await held.close()
        await store.close()
