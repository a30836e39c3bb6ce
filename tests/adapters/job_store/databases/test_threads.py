"""Calls that block, in threads: whoever waits for one hears how it ended, however that was."""

import asyncio
from collections.abc import Generator

import pytest

from devtools.patience import PATIENCE
from editqueue.adapters.job_store.databases.threads import Threads


@pytest.fixture(name="threads")
def _threads() -> Generator[Threads]:
    threads = Threads(1, name="test")
    yield threads
    threads.join()


async def test_what_a_call_gives_back_comes_and_what_it_raises_stays_itself(threads: Threads) -> None:
    async with asyncio.timeout(PATIENCE):
        assert await threads.submit(lambda: 7).answer == 7
        with pytest.raises(ZeroDivisionError):
            await threads.submit(lambda: 1 // 0).answer


async def test_nobody_waits_for_ever_for_a_call_that_ran_out_of_something(threads: Threads) -> None:
    nothing: list[int] = []

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(RuntimeError, match="the call raised StopIteration") as caught:
            await threads.submit(lambda: next(iter(nothing))).answer

    assert isinstance(caught.value.__cause__, StopIteration)
