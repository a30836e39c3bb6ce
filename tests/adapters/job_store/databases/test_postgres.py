"""PostgreSQL's rows are held by another session, or the server does not answer: everybody is told in time."""

import asyncio
import os
import signal
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import Integer, cast, column, insert, literal, make_url, select, table, text

from devtools.databases import new_postgres
from devtools.own_postgres import OwnPostgres, own_postgres
from devtools.wire import Wire, wire_to
from editqueue.adapters.job_store.databases import postgres
from editqueue.adapters.job_store.databases.constructs import given_text
from editqueue.adapters.job_store.databases.database import ConstraintViolated
from editqueue.adapters.job_store.databases.postgres import DIALECT, PostgresDatabase
from editqueue.adapters.job_store.databases.postgres_connection import prepared_name
from editqueue.adapters.job_store.databases.statement import Template, once
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.domain.errors import StorageUnavailable

COUNT = once(text("SELECT count(*) AS n FROM edit_jobs"))
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
DEADLINE = 10


@pytest.fixture(name="url")
def _url() -> Iterator[str]:
    with new_postgres() as new:
        yield new()


def _opened(url: str, *, seconds: float) -> PostgresDatabase:
    opened = open_database(url, command_seconds=seconds)
    assert isinstance(opened, PostgresDatabase)
    return opened


@pytest.fixture(name="database")
async def _database(url: str) -> AsyncIterator[PostgresDatabase]:
    """Of little patience."""
    opened = _opened(url, seconds=0.5)
    yield opened
    await opened.close()


@pytest.fixture(name="other")
def _other(url: str) -> Iterator[psycopg.Connection]:
    """Another session; it holds the table of jobs."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE edit_jobs")
        yield connection


@pytest.fixture(name="waiting")
def _waiting(url: str) -> Iterator[Callable[[], int]]:
    """How many sessions wait for a lock."""
    with psycopg.connect(url, autocommit=True) as connection:

        def count() -> int:
            [found] = connection.execute(WAITING).fetchone() or (0,)
            return int(found)

        yield count


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not holds():  # noqa: ASYNC110  # a server makes it true
            await asyncio.sleep(0.01)


async def test_a_crowd_before_a_held_table_ends_within_the_time_of_one(
    database: PostgresDatabase, other: psycopg.Connection, waiting: Callable[[], int]
) -> None:
    begun = time.monotonic()
    ends = await asyncio.gather(*[database.run(COUNT) for _ in range(20)], return_exceptions=True)

    assert {type(end) for end in ends} == {StorageUnavailable}
    assert time.monotonic() - begun < 2
    await _until(lambda: waiting() == 0)
    other.rollback()
    assert await database.run(COUNT) == [[{"n": 0}]]


@pytest.mark.usefixtures("other")
async def test_who_is_cancelled_before_a_held_table_goes_at_once_and_leaves_no_session_waiting(
    database: PostgresDatabase, waiting: Callable[[], int]
) -> None:
    asking = [asyncio.create_task(ask) for ask in (database.run(COUNT), database.run(COUNT, COUNT))]
    await _until(lambda: waiting() == 2)

    for task in asking:
        task.cancel()
    ends = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(end) for end in ends] == [asyncio.CancelledError] * 2
    await _until(lambda: waiting() == 0)


@pytest.mark.usefixtures("other")
async def test_closing_waits_for_no_lock(url: str, waiting: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "CLOSING_SECONDS", 0.2)
    database = _opened(url, seconds=60)
    asking = [asyncio.create_task(ask) for ask in (database.run(COUNT), database.run(COUNT, COUNT))]
    await _until(lambda: waiting() == 2)

    begun = time.monotonic()
    await database.close()

    assert time.monotonic() - begun < 1
    ends = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(end) for end in ends} == {StorageUnavailable}
    await _until(lambda: waiting() == 0)


async def test_whoever_comes_after_the_close_is_told_so(url: str) -> None:
    database = _opened(url, seconds=60)
    await database.close()

    with pytest.raises(StorageUnavailable, match="being closed"):
        await database.run(COUNT)
    with pytest.raises(StorageUnavailable, match="being closed"):
        await database.run(COUNT, COUNT)


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[OwnPostgres]:
    with own_postgres() as own:
        yield own


@pytest.fixture(name="wire")
async def _wire(server: OwnPostgres) -> AsyncIterator[Wire]:
    async with wire_to("127.0.0.1", server.port) as wire:
        yield wire


async def test_a_network_that_swallows_everything_holds_up_neither_groups_nor_the_close(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CLOSING_SECONDS", 0.2)
    database = _opened(f"postgresql://postgres@127.0.0.1:{wire.port}/postgres", seconds=0.5)
    await asyncio.gather(*[database.run(once(text("SELECT pg_sleep(0.05)"))) for _ in range(5)])
    wire.hold_at = b""

    begun = time.monotonic()
    ends = await asyncio.gather(*[database.run(once(text("SELECT 1"))) for _ in range(20)], return_exceptions=True)
    await database.close()

    assert {type(end) for end in ends} == {StorageUnavailable}
    assert time.monotonic() - begun < 2


async def test_a_session_that_the_server_does_not_go_on_with_is_left_in_time_and_replaced(server: OwnPostgres) -> None:
    database = _opened(server.url(), seconds=0.5)
    [[session]] = await database.run(once(text("SELECT pg_backend_pid() AS pid")))
    os.kill(session["pid"], signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(StorageUnavailable):
            await database.run(once(text("SELECT 1")))
        assert time.monotonic() - begun < 1
        await _until_answered(database)
        await database.close()
        assert time.monotonic() - begun < 6
    finally:
        os.kill(session["pid"], signal.SIGCONT)


async def _until_answered(database: PostgresDatabase) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            with suppress(StorageUnavailable):
                await database.run(once(text("SELECT 1")))
                return


async def test_a_probe_tells_the_servers_time(database: PostgresDatabase) -> None:
    assert abs(await database.probe() - datetime.now(UTC)) < timedelta(seconds=5)


async def test_a_probe_fails_where_nothing_can_be_written(url: str, database: PostgresDatabase) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = make_url(url).database
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())

    with pytest.raises(StorageUnavailable, match="read-only"):
        await database.probe()


SESSION = once(text("SELECT pg_backend_pid() AS pid"))


@pytest.mark.parametrize("wrong", range(3))
async def test_a_connection_whose_group_failed_at_any_statement_serves_the_next(
    database: PostgresDatabase, wrong: int
) -> None:
    [[session]] = await database.run(SESSION)
    others = [Template(select((cast(given_text("digits"), Integer) + step).label("n"))) for step in range(3)]
    spoilt = [one.bind(digits="x" if step == wrong else "7") for step, one in enumerate(others)]

    for _ in range(2):
        with pytest.raises(psycopg.DataError):
            await database.run(*spoilt)
        good = await database.run(*[one.bind(digits="7") for one in others], SESSION)
        assert good == [[{"n": 7}], [{"n": 8}], [{"n": 9}], [session]]


async def test_a_table_that_somebody_changed_is_read_anew(url: str, database: PostgresDatabase) -> None:
    reading = once(text("SELECT * FROM t"))
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE TABLE t AS SELECT 1 AS a")
        assert await database.run(reading) == [[{"a": 1}]]
        other.execute("ALTER TABLE t ADD b int")

    assert await database.run(reading) == [[{"a": 1, "b": None}]]


async def test_statements_that_a_session_has_forgotten_are_prepared_anew(database: PostgresDatabase) -> None:
    await database.run(COUNT)
    await database.run(once(text("DEALLOCATE ALL")))

    assert await database.run(COUNT) == [[{"n": 0}]]


async def test_where_a_proxy_shares_sessions_nothing_is_prepared_any_more(database: PostgresDatabase) -> None:
    sql, _ = COUNT.compiled(DIALECT)
    await database.run(once(text(f"PREPARE {prepared_name(sql.encode()).decode()} AS SELECT 1")))

    assert await database.run(COUNT) == [[{"n": 0}]]
    assert await database.run(COUNT, once(text("SELECT name FROM pg_prepared_statements"))) == [[{"n": 0}], []]


async def test_an_error_says_nothing_of_what_customers_wrote(database: PostgresDatabase) -> None:
    await database.run(once(text("CREATE TABLE t (word text UNIQUE)")))
    written = once(insert(table("t", column("word"))).values(word="geheim"))
    await database.run(written)

    with pytest.raises(ConstraintViolated, match="t_word_key") as caught:
        await database.run(written)

    assert "geheim" not in "".join(traceback.format_exception(caught.value))


async def test_a_group_larger_than_what_the_network_takes_at_once_arrives_whole(database: PostgresDatabase) -> None:
    long = once(select(literal("x" * 4_000_000).label("word")))

    first, second = await database.run(long, long)

    assert [len(row["word"]) for row in (*first, *second)] == [4_000_000] * 2
