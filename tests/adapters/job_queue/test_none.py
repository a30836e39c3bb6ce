"""Without a queue a consumer looks into the database by itself."""

import asyncio
from datetime import timedelta

import pytest

from editqueue.adapters.job_queue.none import NoQueue

LONG = timedelta(minutes=2)


async def test_what_waited_before_a_consumer_started_is_looked_for_at_once_and_then_every_interval() -> None:
    queue = NoQueue(idle_poll=LONG)

    async with asyncio.timeout(30):
        assert await queue.receive(limit=1, wait=LONG) == []
    second = asyncio.ensure_future(queue.receive(limit=1, wait=LONG))
    await asyncio.sleep(0)

    assert not second.done()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
