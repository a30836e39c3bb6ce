import asyncio
from collections.abc import Sequence

import pytest

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
        self.together = Batcher(self.double, unwanted=self._drop)

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
        return asyncio.create_task(self.together.ask(number))


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


async def test_an_unwanted_answer_that_cannot_be_given_back_harms_nobody(server: Server) -> None:
    async def refuse(answer: int) -> None:
        raise StorageUnavailable(f"cannot take {answer} back")

    together = Batcher(server.double, unwanted=refuse)
    asking = asyncio.create_task(together.ask(1))
    await server.entered.wait()
    other = asyncio.create_task(together.ask(2))
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    server.gate.set()

    assert await other == 4
