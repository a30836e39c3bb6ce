"""Work that must not be cut off."""

import asyncio

import pytest

from editqueue.use_cases.run_to_completion import run_to_completion


async def _write_slowly(written: list[str], go_on: asyncio.Event) -> str:
    await go_on.wait()
    written.append("result")
    return "answer"


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_work_ends_however_often_its_caller_is_cancelled(times: int) -> None:
    written: list[str] = []
    told: list[None] = []
    go_on = asyncio.Event()
    task = asyncio.create_task(run_to_completion(_write_slowly(written, go_on), on_cancel=lambda: told.append(None)))
    for _ in range(times):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()

    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert written == ["result"]
    assert len(told) == times


async def test_its_answer_comes_back() -> None:
    go_on = asyncio.Event()
    go_on.set()

    assert await run_to_completion(_write_slowly([], go_on)) == "answer"


async def test_its_error_comes_back() -> None:
    async def fail() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await run_to_completion(fail())


async def test_its_error_gives_way_to_the_cancellation() -> None:
    go_on = asyncio.Event()

    async def fail() -> None:
        await go_on.wait()
        raise KeyError("a bug")

    task = asyncio.create_task(run_to_completion(fail()))
    await asyncio.sleep(0)
    task.cancel()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await task
