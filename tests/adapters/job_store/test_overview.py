"""However long the queue is, a look at it reads so many rows and no more, and says where there were more."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from devtools.databases import KINDS
from devtools.history import Size
from devtools.plans import database_with
from devtools.scratch import NOW
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database, open_store
from editqueue.adapters.job_store.rows import CLOCKS_APART_MS
from editqueue.ports.overview import Count, Overview

SIZE = Size(finished=1_000, queued=22_000, files=22_000)
"""Made at one a millisecond, one of twenty queued jobs express; each file ended when it was made."""
LATER = NOW + timedelta(seconds=72)
APART = timedelta(milliseconds=CLOCKS_APART_MS)
HAND_BACKS = """INSERT INTO attempts (job_id, place, number, began_at, ended_at, ended_by)
SELECT id, 1, 1, created_at, created_at + 30000, 'hand_back'
FROM edit_jobs WHERE status = 'queued' ORDER BY id LIMIT {count}"""


@pytest.fixture(params=KINDS, name="url")
async def _url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with database_with(request.param, SIZE) as url:
        yield url


async def _look(url: str) -> Overview:
    store = await open_store(url)
    try:
        return await store.overview(now=LATER)
    finally:
        await store.close()


async def _hand_back(url: str, count: int) -> None:
    database = open_database(url, command_seconds=None)
    try:
        await database.run(once(text(HAND_BACKS.format(count=count))))
    finally:
        await database.close()


async def test_what_is_counted_ends_somewhere_and_each_number_says_for_itself_whether_it_did(url: str) -> None:
    seen = await _look(url)

    assert [(lane.waiting, lane.oldest) for lane in seen.lanes] == [
        (Count(number=1_100, is_all=True), NOW + APART),
        (Count(number=20_000, is_all=False), NOW + APART + timedelta(milliseconds=1)),
    ]
    ended = seen.throughput
    assert ended.minute == Count(number=9_999, is_all=True)
    assert ended.five_minutes == ended.fifteen_minutes == Count(number=20_000, is_all=False)


async def test_failures_are_looked_for_among_the_last_attempts_and_no_further(url: str) -> None:
    assert len((await _look(url)).failures) == 10

    await _hand_back(url, 2_000)

    assert (await _look(url)).failures == []
