"""Express jobs go before others without starving them, whatever comes when and however many consumers there are."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import text

from devtools.databases import NewDatabase
from devtools.seeds import NOON, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database, open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore

CONSUMERS = 4


@pytest.fixture(name="url")
def _url(new_database: NewDatabase) -> str:
    return new_database()


@pytest.fixture(name="stores")
async def _stores(url: str) -> AsyncIterator[Sequence[SqlStore]]:
    """Of as many consumers, each with connections of its own."""
    opened = [await open_store(url) for _ in range(CONSUMERS)]
    yield opened
    for store in opened:
        await store.close()


async def queue(store: SqlStore, count: int, *, express: bool) -> Sequence[str]:
    order = await seed_order(store, user_id="express" if express else "other")
    return await submit(store, await seed_files(store, order, count), express=express)


async def test_whatever_comes_when_no_five_starts_while_both_wait_are_all_express(stores: Sequence[SqlStore]) -> None:
    """A walk that queues and claims at random, beside what ought to be waiting."""
    chance = random.Random(7)
    waiting: dict[bool, list[str]] = {True: [], False: []}
    while_both_wait: list[bool] = []
    seen = set[bool]()
    for _ in range(60):
        for express in (True, False):
            if chance.random() < 0.12:
                waiting[express] += await queue(stores[0], chance.randint(1, 6), express=express)
        both = all(waiting.values())

        taken = await chance.choice(stores).claim_next(now=NOON)

        if taken is None:
            assert not any(waiting.values())
            continue
        assert taken.job.id == waiting[taken.job.express].pop(0)
        while_both_wait = [*while_both_wait, taken.job.express][-5:] if both else []
        assert while_both_wait != [True] * 5
        seen |= set(while_both_wait)
    assert seen == {True, False}


@pytest.mark.parametrize("at_once", [1, 16])
async def test_of_all_that_consumers_start_at_once_while_both_wait_a_fifth_is_not_express(
    stores: Sequence[SqlStore], at_once: int
) -> None:
    """Each start has a number of its own, so whoever draws which, a fifth of them is a multiple of five."""
    await queue(stores[0], 90, express=True)
    await queue(stores[0], 30, express=False)

    async def consume(store: SqlStore) -> list[bool]:
        return [
            taken.job.express
            for _ in range(16 // at_once)
            for taken in await asyncio.gather(*(claim(store) for _ in range(at_once)))
        ]

    lanes = [express for started in await asyncio.gather(*map(consume, stores)) for express in started]

    assert (len(lanes), lanes.count(False)) == (64, 12)


async def test_a_claim_that_finds_one_lane_or_none_counts_nothing(url: str, stores: Sequence[SqlStore]) -> None:
    store = stores[0]
    for express in (True, False):
        await queue(store, 3, express=express)
        for _ in range(3):
            await claim(store)
        assert await store.claim_next(now=NOON) is None

    database = open_database(url)
    drawn = "is_called" if url.startswith("postgresql") else "starts > 0"
    [[row]] = await database.run(once(text(f"SELECT {drawn} AS moved FROM job_starts")))
    await database.close()
    assert not row["moved"]
