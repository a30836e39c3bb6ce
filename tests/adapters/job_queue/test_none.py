"""Without a queue a consumer looks into the database by itself."""

import asyncio
from datetime import timedelta

from editqueue.adapters.job_queue.none import NoQueue

LONG = timedelta(minutes=2)


async def test_nothing_comes_before_it_is_time_to_look_again() -> None:
    waiting = asyncio.ensure_future(NoQueue(idle_poll=LONG).receive(limit=1, wait=LONG))
    await asyncio.sleep(0)

    assert not waiting.done()
    waiting.cancel()
