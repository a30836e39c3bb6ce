"""An application that raises: one line in the log, and never two answers."""

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from devtools.world import World
from editqueue.entrypoints.http.defects import Defects
from editqueue.entrypoints.http.in_time import Closing, InTime
from tests.entrypoints.http.client import BASE, exchanged, problem_of

DEFECT = ZeroDivisionError("a defect")
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
PIECE: Message = {"type": "http.response.body", "body": b"x", "more_body": True}
END: Message = {"type": "http.response.body", "body": b"x"}


class Raising:
    """Sends `messages`, then raises."""

    def __init__(self, *messages: Message) -> None:
        self._messages = messages

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        for message in self._messages:
            await send(message)
        raise DEFECT


async def outcome(world: World, app: Raising) -> tuple[list[Message], bool]:
    in_time = InTime(app, closing=Closing(), journal=world.journal)
    return await exchanged(Defects(in_time, journal=world.journal))


async def test_a_defect_before_the_answer_is_answered_for(world: World) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(Defects(Raising(), journal=world.journal)), base_url=BASE
    ) as http:
        problem_of(await http.get("/api/x"), 500, "internal")

    assert world.journal.errors == [(None, DEFECT)]


@pytest.mark.parametrize("begun", [[START], [START, PIECE]], ids=["head", "piece"])
async def test_a_defect_in_the_middle_of_an_answer_cuts_it_off(world: World, begun: list[Message]) -> None:
    assert await outcome(world, Raising(*begun)) == (begun, True)
    assert world.journal.errors == [(None, DEFECT)]


async def test_a_defect_after_the_answer_leaves_it_whole(world: World) -> None:
    assert await outcome(world, Raising(START, END)) == ([START, END], False)
    assert world.journal.errors == [(None, DEFECT)]


async def test_what_is_no_request_is_the_servers_affair(world: World) -> None:
    async def never() -> Message:
        raise AssertionError

    async def nothing(_: Message) -> None:
        raise AssertionError

    with pytest.raises(ZeroDivisionError):
        await Defects(Raising(), journal=world.journal)({"type": "lifespan"}, never, nothing)
    assert world.journal.errors == []
