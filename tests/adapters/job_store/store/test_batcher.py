"""Callers share round trips, and every one of them gets an answer or an error, whatever happens to the others."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence

import pytest

from devtools.patience import PATIENCE
from editqueue.adapters.job_store.store.batcher import MOST, Batcher
from editqueue.domain.errors import StorageUnavailable


class Server:
    """Doubles numbers; `gate` holds it up, `troubles` says which numbers it chokes on."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.unwanted: list[int] = []
        self.troubles: dict[int, Exception] = {}
        self.gate = asyncio.Event()
        self.entered = asyncio.Event()
        self.batcher = Batcher(self.double, unwanted=self._drop)

    async def double(self, numbers: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(numbers))
        self.entered.set()
        await self.gate.wait()
        for number in numbers:
            if number in self.troubles:
                raise self.troubles[number]
        return [2 * number for number in numbers]

    async def _drop(self, answer: int) -> None:
        self.unwanted.append(answer)

    def ask(self, number: int) -> "asyncio.Task[int]":
        return asyncio.create_task(self.batcher.ask(number))


@pytest.fixture
def server() -> Server:
    return Server()


async def test_who_asks_while_one_is_under_way_goes_along_with_the_next(server: Server) -> None:
    first = server.ask(1)
    await server.entered.wait()
    others = [server.ask(number) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    server.gate.set()

    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert server.groups == [[1], [2, 3, 4]]


async def test_a_crowd_goes_in_several_groups(server: Server) -> None:
    server.gate.set()
    numbers = range(MOST + 3)

    assert await asyncio.gather(*(server.ask(number) for number in numbers)) == [2 * number for number in numbers]
    assert [len(group) for group in server.groups] == [MOST, 3]


async def test_a_bad_ask_harms_nobody_else(server: Server) -> None:
    server.gate.set()
    server.troubles[2] = ValueError("two")

    answers = await asyncio.gather(*(server.ask(number) for number in (1, 2, 3)), return_exceptions=True)

    assert answers == [2, server.troubles[2], 6]


async def test_a_database_that_is_away_is_away_for_all_and_asked_once(server: Server) -> None:
    server.gate.set()
    server.troubles[2] = StorageUnavailable("gone")

    answers = await asyncio.gather(*(server.ask(number) for number in (1, 2, 3)), return_exceptions=True)

    assert answers == [server.troubles[2]] * 3
    assert server.groups == [[1, 2, 3]]


async def test_the_answer_of_somebody_cancelled_is_not_lost(server: Server) -> None:
    asking = server.ask(1)
    await server.entered.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    server.gate.set()
    await server.ask(2)

    assert server.unwanted == [2]


async def test_somebody_cancelled_before_its_turn_is_not_asked_for(server: Server) -> None:
    first = server.ask(1)
    await server.entered.wait()
    second = server.ask(2)
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    server.gate.set()
    await first
    await server.ask(3)

    assert server.groups == [[1], [3]]


async def test_a_failed_group_does_not_end_the_service(server: Server) -> None:
    server.gate.set()
    server.troubles[1] = ValueError("one")
    with pytest.raises(ValueError, match="one"):
        await server.ask(1)

    assert await server.ask(2) == 4


class Interrupt(BaseException):
    """Like KeyboardInterrupt, which asyncio would let end the test."""


UNEXPECTED = [TypeError("ours"), asyncio.CancelledError(), Interrupt()]


@pytest.fixture
async def reported() -> AsyncIterator[list[BaseException]]:
    """What the event loop reports, because nobody was there to raise it to."""
    found: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: found.append(context["exception"]))
    yield found
    loop.set_exception_handler(None)


class Strained:
    """A batcher whose callbacks raise: `work` at its first call, `unwanted` at every one."""

    def __init__(self, *, work: BaseException | None = None, unwanted: BaseException | None = None) -> None:
        self.errors = {"work": work, "unwanted": unwanted}
        self.given_back: list[int] = []
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.batcher = Batcher(self._double, unwanted=self._take_back)

    async def _double(self, numbers: Sequence[int]) -> Sequence[int]:
        self.entered.set()
        await self.gate.wait()
        error = self.errors.pop("work", None)
        if error is not None:
            raise error
        return [2 * number for number in numbers]

    async def _take_back(self, answer: int) -> None:
        self.given_back.append(answer)
        error = self.errors["unwanted"]
        if error is not None:
            raise error

    async def crowd(self, *, cancelled: int) -> Sequence[object]:
        """What twenty callers get, in two batches after the first one's; the first `cancelled` of them have left."""
        first = self.ask(0)
        await self.entered.wait()
        others = [self.ask(number) for number in range(1, 20)]
        await asyncio.sleep(0)
        for asking in [first, *others][:cancelled]:
            asking.cancel()
        self.gate.set()
        async with asyncio.timeout(PATIENCE):
            answers = await asyncio.gather(first, *others, return_exceptions=True)
        return answers[cancelled:]

    def ask(self, number: int) -> "asyncio.Task[int]":
        return asyncio.create_task(self.batcher.ask(number))


@pytest.mark.parametrize("error", [*UNEXPECTED, StorageUnavailable("away")], ids=repr)
async def test_whatever_the_work_raises_everybody_gets_an_answer_or_an_error(error: BaseException) -> None:
    strained = Strained(work=error)

    [first, *others] = await strained.crowd(cancelled=0)

    assert first is error if isinstance(error, Exception) else isinstance(first, StorageUnavailable)
    assert others == [2 * number for number in range(1, 20)]
    assert await strained.batcher.ask(21) == 42


@pytest.mark.parametrize("error", [*UNEXPECTED, StorageUnavailable("cannot take it back")], ids=repr)
async def test_whatever_giving_back_raises_everybody_else_gets_an_answer(
    error: BaseException, reported: list[BaseException]
) -> None:
    strained = Strained(unwanted=error)

    answers = await strained.crowd(cancelled=1)

    assert answers == [2 * number for number in range(1, 20)]
    assert await strained.batcher.ask(21) == 42
    assert strained.given_back == [0]
    gc.collect()
    assert reported == ([] if isinstance(error, StorageUnavailable | asyncio.CancelledError) else [error])


async def test_one_unwanted_answer_that_cannot_be_given_back_keeps_no_other_from_it(server: Server) -> None:
    given_back: list[int] = []

    async def refuse(answer: int) -> None:
        given_back.append(answer)
        raise StorageUnavailable(f"cannot take {answer} back")

    batcher = Batcher(server.double, unwanted=refuse)
    asking = [asyncio.create_task(batcher.ask(number)) for number in (1, 2, 3)]
    await server.entered.wait()
    for task in asking[:2]:
        task.cancel()
    server.gate.set()

    assert await asking[2] == 6
    assert await batcher.ask(4) == 8
    assert given_back == [2, 4]


async def test_too_few_answers_are_an_error_for_those_without_one() -> None:
    async def forget_the_last(numbers: Sequence[int]) -> Sequence[int]:
        return [2 * number for number in numbers[:-1]]

    batcher = Batcher(forget_the_last, unwanted=_drop)
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*(batcher.ask(number) for number in (1, 2)), return_exceptions=True)

    assert (answers[0], type(answers[1])) == (2, ValueError)


@pytest.mark.parametrize("begun", [False, True])
async def test_a_batch_that_is_cancelled_strands_nobody(*, begun: bool) -> None:
    """The event loop, or a defect, may cancel any task: before its first step, too."""
    strained = Strained()
    callers = [strained.ask(number) for number in range(1, 20)]
    if begun:
        await strained.entered.wait()
    else:
        await asyncio.sleep(0)
    [batch] = asyncio.all_tasks() - {*callers, asyncio.current_task()}
    batch.cancel()
    strained.gate.set()

    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*callers, return_exceptions=True)

    refused = MOST if begun else 0
    assert all(isinstance(answer, StorageUnavailable) for answer in answers[:refused])
    assert answers[refused:] == [2 * number for number in range(refused + 1, 20)]
    assert await strained.batcher.ask(21) == 42


def test_an_event_loop_that_ends_leaves_no_batch_behind(caplog: pytest.LogCaptureFixture) -> None:
    callers: list[asyncio.Task[int]] = []

    async def leave() -> None:
        strained = Strained()
        callers.extend(strained.ask(number) for number in range(20))
        await strained.entered.wait()

    asyncio.run(leave())
    gc.collect()

    assert all(caller.cancelled() for caller in callers)
    assert caplog.records == []


async def _drop(answer: int) -> None:
    pass
