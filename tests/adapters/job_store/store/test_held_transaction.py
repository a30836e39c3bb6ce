"""A transaction that is held open on PostgreSQL, by a report or a forgotten session, keeps every row version since.
What asks for the queue does not step over all of them."""

import asyncio
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg
import pytest

from devtools.databases import new_postgres
from devtools.history import Size, load
from devtools.seeds import NOON, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.opening.open_store import open_database, open_store
from editqueue.adapters.job_store.rows import to_ms

EARLIER = NOON - timedelta(days=1)
CLAIMS = 300
FEW = 20
MANY = Size(finished=2_000, queued=20_000, files=20_000)
OTHERS = ("one_active_job_per_file", "jobs_backlog", "jobs_running", "jobs_by_order")
DEADLINE = 10


@pytest.fixture(name="url")
def _url() -> Iterator[str]:
    with new_postgres() as new:
        yield new()


async def test_no_claim_steps_over_what_was_claimed_before_it(url: str) -> None:
    await _queue(url, CLAIMS + 1)
    with _held_transaction(url), _watched(url) as connection:
        before = await _entries_read(connection)
        await _claim(url, CLAIMS)
        read = await _entries_read(connection)

    assert CLAIMS <= read["jobs_ready"] - before["jobs_ready"] < 20 * CLAIMS, "each over those before: 45,000 and more"


async def test_claims_read_the_queue_in_its_order_whatever_the_statistics_say(url: str) -> None:
    """Where nothing was queued when the tables were analyzed, an index that has to be walked and sorted seems as cheap,
    though it is full of what was queued before."""
    with _held_transaction(url), _watched(url) as connection:
        await _worked_through(url, connection)
        await _queue(url, FEW)
        before = await _entries_read(connection)
        await _claim(url, FEW)
        read = await _entries_read(connection)

    assert {name: read[name] - before[name] for name in OTHERS} == dict.fromkeys(OTHERS, 0)


async def test_a_request_looks_up_the_jobs_of_its_files_whatever_the_statistics_say(url: str) -> None:
    with _held_transaction(url), _watched(url) as connection:
        await _worked_through(url, connection)
        store = await open_store(url)
        files = await seed_files(store, await seed_order(store), FEW)
        await store.mark_files([file.id for file in files], user_id="anna", marked=True, now=NOON)
        await store.close()
        read = await _entries_read(connection)

    assert read["one_active_job_per_file"] < 10 * FEW


async def test_a_submit_does_not_look_for_its_turn_among_those_of_long_ago(url: str) -> None:
    with _held_transaction(url), _watched(url) as connection:
        await _queue(url, CLAIMS, now=EARLIER)
        await _claim(url, CLAIMS)
        before = await _entries_read(connection)
        await _queue(url, 1)
        read = await _entries_read(connection)

    assert sum(read[name] - before[name] for name in ("jobs_backlog", "jobs_ready")) < FEW


async def _worked_through(url: str, connection: psycopg.Connection) -> None:
    """A database that had a long queue when this began, and has been analyzed since."""
    database = open_database(url)
    await load(database, MANY, moment=to_ms(EARLIER))
    await database.close()
    connection.execute("UPDATE edit_jobs SET status = 'done', finished_at = 1 WHERE status = 'queued'")
    connection.execute("ANALYZE")


async def _queue(url: str, count: int, *, now: datetime = NOON) -> None:
    store = await open_store(url)
    await submit(store, await seed_files(store, await seed_order(store), count), now=now)
    await store.close()


async def _claim(url: str, count: int) -> None:
    store = await open_store(url)
    for _ in range(count):
        await claim(store)
    await store.close()


@contextmanager
def _held_transaction(url: str) -> Generator[None]:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_current_xact_id()")
        yield


@contextmanager
def _watched(url: str) -> Generator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


async def _entries_read(connection: psycopg.Connection) -> Mapping[str, int]:
    """Of each index, once all stores are closed: a session tells what it has read when it ends."""
    async with asyncio.timeout(DEADLINE):
        while _sessions(connection):  # noqa: ASYNC110  # the server has no event for it
            await asyncio.sleep(0.05)
    return dict(connection.execute("SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes").fetchall())


def _sessions(connection: psycopg.Connection) -> Sequence[object]:
    """Of stores. The transaction that is held is not idle, and neither is the one that asks."""
    return connection.execute(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
    ).fetchall()
