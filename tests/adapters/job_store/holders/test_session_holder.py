"""The lock of one consumer on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from devtools.databases import new_postgres
from devtools.holding import holding
from devtools.patience import PATIENCE
from devtools.seeds import NOON, seed_files, seed_order, submit
from devtools.world import RecordingJournal, World
from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.job_store.holders import session_holder
from editqueue.adapters.job_store.holders.advisory_locks import LOCK_CLASS
from editqueue.adapters.job_store.holders.session_holder import SessionHolder
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.postgres_session import PostgresSession
from editqueue.use_cases.consumer.take_over import take_over

END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
EVERYBODY = f"{END} AND pid <> pg_backend_pid()"
SESSIONS = f"{END} AND application_name = 'test'"
NAME = "web-1:7:abc"


@pytest.fixture
def url() -> Iterator[str]:
    with new_postgres() as new:
        yield new()


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = await open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def journal() -> RecordingJournal:
    return RecordingJournal()


@pytest.fixture
async def session(url: str, journal: RecordingJournal) -> AsyncIterator[PostgresSession]:
    made = PostgresSession(make_conninfo("", **parse(url).options), purpose="test", journal=journal)
    yield made
    await made.close()


@pytest.fixture
def holder(session: PostgresSession, journal: RecordingJournal, monkeypatch: pytest.MonkeyPatch) -> SessionHolder:
    monkeypatch.setattr(session_holder, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(session_holder, "RETRY_EVERY", 0.01)
    return SessionHolder(session, consumer=NAME, journal=journal)


def ask(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as asking:
        asking.execute(statement.encode())


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await is_so():  # noqa: ASYNC110  # a server tells nobody what became of a session
            await asyncio.sleep(0.01)


async def alive(store: SqlStore) -> list[str]:
    return [consumer.name for consumer in await store.living_consumers() or ()]


async def test_it_is_held_from_the_beginning_to_the_end(holder: SessionHolder, store: SqlStore) -> None:
    async with holder.hold():
        assert holder.held_as == holder.consumer == NAME
        assert await alive(store) == [NAME]

    assert (holder.held_as, holder.losses) == (None, 0)
    assert (await alive(store), await store.gone_holders()) == ([], [])


async def test_a_session_that_others_use_already_gets_the_lock_too(
    holder: SessionHolder, session: PostgresSession, store: SqlStore
) -> None:
    session.start()
    await session.wait_until_connected()
    assert await alive(store) == []

    async with holder.hold():
        assert await alive(store) == [NAME]


async def test_a_session_that_was_ended_comes_back_and_keeps_its_job(
    url: str, holder: SessionHolder, session: PostgresSession, store: SqlStore
) -> None:
    async def is_back() -> bool:
        return holder.losses == 1 and await alive(store) == [NAME]

    async with holder.hold():
        await submit(store, await seed_files(store, await seed_order(store), 1))
        claim = await store.claim_next(now=NOON, holder=holder.held_as)
        assert claim is not None
        ask(url, SESSIONS)
        await until(is_back)

        assert await store.take_over([NAME], max_retries=3, message="m", now=NOON) == []
        await store.finish(claim, preview_url="r2://b/k", bytes_copied=1, now=NOON)
        assert (holder.held_as, holder.losses) == (NAME, 1)


async def test_a_server_that_ends_all_sessions_at_once_costs_nobody_its_jobs(
    url: str, store: SqlStore, world: World
) -> None:
    async with holding(url) as first, holding(url) as second:
        await submit(store, await seed_files(store, await seed_order(store), 2))
        claims = [await store.claim_next(now=NOON, holder=one.held_as) for one in (first, second)]
        ask(url, EVERYBODY)
        ports = replace(world.ports, store=store, pause=asyncio.sleep)

        async def both_are_back() -> bool:
            return len(await alive(store)) == 2

        looks = [await take_over(replace(ports, holder=one)) for one in (first, second)]
        await until(both_are_back)

        assert looks == [0, 0]
        assert [await store.job(claim.job.id) for claim in claims if claim] == [claim.job for claim in claims if claim]


async def test_while_a_lost_session_of_ours_has_it_claims_name_nobody_and_it_is_taken_when_that_ends(
    url: str, holder: SessionHolder, journal: RecordingJournal
) -> None:
    with psycopg.connect(url, autocommit=True) as lost:
        lost.execute(f"SELECT pg_advisory_lock({LOCK_CLASS}, hashtext('{NAME}'))".encode())
        async with holder.hold():
            await holder.next_look()
            assert (holder.held_as, journal.warnings) == (None, ["consumer_lock_missing"])

            lost.close()

            async def is_held() -> bool:
                await holder.next_look()
                return holder.held_as == NAME

            await until(is_held)


async def test_where_no_session_is_to_be_had_the_consumer_works_without(
    journal: RecordingJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_holder, "START_SECONDS", 0.1)
    session = PostgresSession("host=127.0.0.1 port=1 dbname=none", purpose="test", journal=journal)
    holder = SessionHolder(session, consumer=NAME, journal=journal)

    async with holder.hold():
        assert holder.held_as is None
        await holder.next_look()

    await session.close()
    assert journal.warnings == ["database_session_lost"]
