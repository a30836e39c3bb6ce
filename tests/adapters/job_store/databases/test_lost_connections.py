"""PostgreSQL goes away, hangs or is crowded: said as StorageUnavailable, nothing half done, and well again after."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from sqlalchemy import text

from devtools.own_postgres import OwnPostgres, own_postgres
from devtools.patience import PATIENCE
from devtools.seeds import NOON, URL, claim, seed_files, seed_order, submit
from devtools.wire import Wire, wire_to
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import migrate_schema, open_database, open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import StorageUnavailable

SLOW = "SELECT pg_sleep(60)"
COUNT_STEPS = once(text("SELECT count(*) AS n FROM steps"))
END_AT_COMMIT = """
CREATE FUNCTION end_at_commit() RETURNS trigger AS $$
BEGIN PERFORM nextval('commits'), pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$ LANGUAGE plpgsql
"""


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


async def test_a_session_ended_at_any_statement_leaves_nothing_half_done(server: OwnPostgres) -> None:
    database = open_database(server.url())
    await database.run(once(text("CREATE TABLE steps (n int)")))
    steps = [once(text(f"INSERT INTO steps VALUES ({n})")) for n in range(3)]
    end = once(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    for place in range(len(steps) + 1):
        with pytest.raises(StorageUnavailable, match="terminating connection"):
            await database.run(*steps[:place], end, *steps[place:])
        assert await database.run(COUNT_STEPS) == [[{"n": 0}]]
    await database.run(*steps)

    assert await database.run(COUNT_STEPS, once(text("DROP TABLE steps"))) == [[{"n": 3}], []]
    await database.close()


async def test_a_session_ended_in_its_commit_is_not_tried_again(server: OwnPostgres) -> None:
    database = open_database(server.url())
    await database.run(
        once(text("CREATE TABLE steps (n int)")),
        once(text("CREATE SEQUENCE commits")),
        once(text(END_AT_COMMIT)),
        once(text("CREATE CONSTRAINT TRIGGER t AFTER INSERT ON steps DEFERRABLE INITIALLY DEFERRED"
                  " FOR EACH ROW EXECUTE FUNCTION end_at_commit()")),
    )  # fmt: skip

    with pytest.raises(StorageUnavailable, match="terminating connection"):
        await database.run(once(text("INSERT INTO steps VALUES (1)")), once(text("SELECT 1")))

    tried = once(text("SELECT last_value AS n FROM commits"))
    assert await database.run(COUNT_STEPS, tried) == [[{"n": 0}], [{"n": 1}]]
    await database.run(once(text("DROP TABLE steps")), once(text("DROP SEQUENCE commits")))
    await database.close()


async def test_a_group_that_is_thrown_out_while_it_waits_for_a_row_starts_over(server: OwnPostgres) -> None:
    database = open_database(server.url())
    await database.run(once(text("CREATE TABLE steps (n int)")))
    with psycopg.connect(server.url()) as other, psycopg.connect(server.url(), autocommit=True) as operator:
        other.execute("LOCK TABLE steps")
        asking = asyncio.create_task(database.run(once(text("INSERT INTO steps VALUES (1)")), COUNT_STEPS))
        first = await _waiting(operator)
        operator.execute("SELECT pg_terminate_backend(%s)", [first])
        assert await _waiting(operator, beside=first)
        other.rollback()

    assert await asking == [[], [{"n": 1}]]
    await database.run(once(text("DROP TABLE steps")))
    await database.close()


async def _waiting(operator: psycopg.Connection, *, beside: int = 0) -> int:
    """The session that waits for a lock."""
    asked = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid <> %s"
    async with asyncio.timeout(PATIENCE):
        while not (found := operator.execute(asked, [beside]).fetchone()):  # noqa: ASYNC110  # a server makes it true
            await asyncio.sleep(0.01)
    return int(found[0])
