"""On PostgreSQL the transaction that queues jobs tells listeners of them, of no others, and of none that it did not."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

import psycopg
import pytest

from devtools.databases import new_postgres
from devtools.seeds import LATER, NOON, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.statements.wake_ups import CHANNEL, JOBS_A_NOTIFICATION
from editqueue.adapters.job_store.store.sql_store import SqlStore

DEADLINE = 20
END = "that was all"


class Listener:
    """All that was notified since it was asked for the last time."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    async def heard(self) -> Sequence[str]:
        """Notifications come in the order of their commits, so that nothing can come after a last one of ours."""
        await self._connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, END))
        payloads: list[str] = []
        async with asyncio.timeout(DEADLINE):
            async for one in self._connection.notifies():
                if one.payload == END:
                    break
                payloads.append(one.payload)
        return payloads


@pytest.fixture
def url() -> Iterator[str]:
    with new_postgres() as new:
        yield new()


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    made = await open_store(url, notifies=True)
    yield made
    await made.close()


@pytest.fixture
async def listener(url: str) -> AsyncIterator[Listener]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        yield Listener(connection)


def told_of(payloads: Sequence[str]) -> Sequence[str]:
    assert all(payload.startswith("jobs ") for payload in payloads)
    return sorted(job_id for payload in payloads for job_id in payload.split()[1:])


async def test_a_submit_tells_of_its_jobs_in_one_notification(store: SqlStore, listener: Listener) -> None:
    files = await seed_files(store, await seed_order(store), 3)

    job_ids = await submit(store, files)

    heard = await listener.heard()
    assert (len(heard), told_of(heard)) == (1, sorted(job_ids))


async def test_a_submit_that_makes_no_job_tells_nothing(store: SqlStore, listener: Listener) -> None:
    order = await seed_order(store)
    marked, unmarked = [*await seed_files(store, order, 1), *await seed_files(store, order, 1, marked=False)]
    await submit(store, [marked])
    await listener.heard()

    await submit(store, [marked])  # a double click
    await store.submit([unmarked.id], order_id=order.id, user_id="anna", express=False, notes=None, now=NOON)

    assert await listener.heard() == []


async def test_a_submit_tells_of_its_new_jobs_alone(store: SqlStore, listener: Listener) -> None:
    old, new = await seed_files(store, await seed_order(store), 2)
    [old_job] = await submit(store, [old])
    await listener.heard()

    job_ids = await submit(store, [old, new])

    assert told_of(await listener.heard()) == [one for one in job_ids if one != old_job]


async def test_more_jobs_than_a_notification_takes_are_told_of_in_several(store: SqlStore, listener: Listener) -> None:
    files = await seed_files(store, await seed_order(store), JOBS_A_NOTIFICATION + 1)

    job_ids = await submit(store, files)

    heard = await listener.heard()
    assert (len(heard), told_of(heard)) == (2, sorted(job_ids))


async def test_whatever_else_queues_a_job_tells_of_it(store: SqlStore, listener: Listener) -> None:
    [file] = await seed_files(store, await seed_order(store), 1)
    await submit(store, [file])
    await store.finish(await claim(store), preview_url="r2://b/k", bytes_copied=1, now=NOON)
    await listener.heard()

    revised = await store.revise(file.id, user_id="anna", note="heller", now=LATER)

    assert revised.job is not None
    assert told_of(await listener.heard()) == [revised.job.id]


async def test_what_changes_no_queue_tells_nothing(store: SqlStore, listener: Listener) -> None:
    [file] = await seed_files(store, await seed_order(store), 1)
    await submit(store, [file])
    await listener.heard()

    taken = await claim(store)
    await store.retry_later(taken, error="503", run_after=NOON + timedelta(hours=1), now=NOON)

    assert await listener.heard() == []


async def test_a_store_of_another_queue_tells_nothing(url: str, listener: Listener) -> None:
    store = await open_store(url)
    await submit(store, await seed_files(store, await seed_order(store), 1))
    await store.close()

    assert await listener.heard() == []


async def test_jobs_taken_back_from_a_worker_that_was_too_slow_are_told_of(store: SqlStore, listener: Listener) -> None:
    job_ids = await submit(store, await seed_files(store, await seed_order(store), 1))
    await claim(store)
    await listener.heard()

    await store.rescue(started_before=LATER, max_retries=3, message="{name}", now=LATER)

    assert told_of(await listener.heard()) == sorted(job_ids)
