"""PostgreSQL goes away, hangs or is crowded: said as StorageUnavailable, nothing half done, and well again after."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text

from devtools.own_postgres import OwnPostgres, own_postgres
from devtools.seeds import NOON, URL, claim, seed_files, seed_order, submit
from devtools.wire import Wire, wire_to
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import migrate_schema, open_database, open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import StorageUnavailable

SLOW = "SELECT pg_sleep(60)"


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[OwnPostgres]:
    with own_postgres() as own:
        asyncio.run(migrate_schema(own.url()))
        yield own


@pytest.fixture(name="wire")
async def _wire(server: OwnPostgres) -> AsyncIterator[Wire]:
    async with wire_to("127.0.0.1", server.port) as wire:
        yield wire


@pytest.fixture(name="store")
async def _store(wire: Wire) -> AsyncIterator[SqlStore]:
    """Over the wire, and of little patience."""
    store = await open_store(f"postgresql://postgres@127.0.0.1:{wire.port}/postgres?timeout=1&command_timeout=1")
    yield store
    await store.close()


async def test_a_server_that_was_restarted_is_used_again(server: OwnPostgres) -> None:
    store = await open_store(server.url())
    order = await seed_order(store)

    server.stop()
    with pytest.raises(StorageUnavailable, match="database: "):
        await store.order(order.id)
    server.start()

    assert await store.order(order.id) == order
    await store.close()


async def test_a_connection_lost_in_the_middle_of_a_group_changes_nothing(store: SqlStore, wire: Wire) -> None:
    [file] = await seed_files(store, await seed_order(store), 1)
    await submit(store, [file])
    taken = await claim(store)

    wire.hold_at = b"INSERT INTO notifications"
    finishing = asyncio.create_task(store.finish(taken, preview_url=URL, bytes_copied=7, now=NOON))
    await wire.held.wait()
    wire.cut()
    with pytest.raises(StorageUnavailable):
        await finishing
    wire.let_go()

    [seen] = await store.files([file.id])
    assert (seen.locked, seen.status) == (True, "in_progress")
    await store.finish(taken, preview_url=URL, bytes_copied=7, now=NOON)
    [seen] = await store.files([file.id])
    assert (seen.locked, seen.status) == (False, "done")


async def test_a_network_that_swallows_everything_is_given_up_and_used_again(store: SqlStore, wire: Wire) -> None:
    order = await seed_order(store)

    wire.hold_at = b""
    with pytest.raises(StorageUnavailable, match="no answer within"):
        await store.order(order.id)
    wire.let_go()

    assert await store.order(order.id) == order


async def test_a_statement_that_hangs_is_given_up_on_the_server_too(server: OwnPostgres) -> None:
    database = open_database(f"{server.url()}?command_timeout=0.2")

    with pytest.raises(StorageUnavailable, match="no answer within"):
        await database.run(once(text(SLOW)))

    asked = once(text(f"SELECT count(*) AS hanging FROM pg_stat_activity WHERE query = '{SLOW}' AND state = 'active'"))
    assert await database.run(asked) == [[{"hanging": 0}]]
    await database.close()


async def test_a_session_thrown_out_by_the_server_is_said_to_be(server: OwnPostgres) -> None:
    store = await open_store(server.url())
    order = await seed_order(store)

    server.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'editqueue'")

    assert await store.order(order.id) == order
    await store.close()


async def test_a_crowded_server_is_unavailable_not_broken(server: OwnPostgres) -> None:
    server.say("CREATE DATABASE crowded CONNECTION LIMIT 0")
    server.say("CREATE ROLE guest LOGIN")
    crowded = open_database(server.url(user="guest", database="crowded"))

    with pytest.raises(StorageUnavailable, match="too many connections"):
        await crowded.run(once(text("SELECT 1")))

    await crowded.close()
