"""Deadlines: an answer in time, whatever the application does meanwhile and afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from devtools.world import SECRET, World
from editqueue.domain.errors import code_of
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.in_time import DEADLINES, Closing, Deadlines, InTime
from tests.entrypoints.http.client import BASE, FRIEND, bearer, exchanged, problem_of

SHORT = Deadlines(api=0.05, slow={})
Work = Callable[[Scope, Receive, Send], Awaitable[None]]


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)


def in_time(world: World, app: Work) -> InTime:
    return InTime(app, closing=Closing(), journal=world.journal, deadlines=SHORT)


def codes(world: World) -> list[str]:
    return [code_of(error) for _, error in world.journal.errors]


async def test_what_takes_too_long_is_answered_and_what_it_says_later_is_dropped(world: World) -> None:
    ended = asyncio.Event()

    async def stubborn(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await PlainTextResponse("too late")(scope, receive, send)
            ended.set()

    async with client(in_time(world, stubborn)) as http:
        answer = await http.get("/api/x")
        await ended.wait()

    problem_of(answer, 503, "deadline_exceeded")
    assert answer.headers["retry-after"] == "5"
    assert codes(world) == ["deadline_exceeded"]


async def test_nobody_waits_for_what_must_run_to_its_end(world: World) -> None:
    gate, ended = asyncio.Event(), asyncio.Event()

    async def undisturbed(_scope: Scope, _receive: Receive, _send: Send) -> None:
        work = asyncio.ensure_future(gate.wait())
        while not work.done():
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                continue
        ended.set()

    async with client(in_time(world, undisturbed)) as http:
        problem_of(await http.post("/api/x"), 503, "deadline_exceeded")

    assert not ended.is_set()
    gate.set()
    await ended.wait()


async def test_a_body_that_comes_too_slowly_is_the_clients_affair(world: World) -> None:
    async def reads(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["more_body"]:
            pass

    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with client(in_time(world, reads)) as http:
        answer = await http.post("/api/x", content=endless())

    problem_of(answer, 408, "body_too_slow")
    assert answer.headers["connection"] == "close"
    assert codes(world) == []


async def test_who_has_read_the_body_and_waits_for_the_end_of_the_connection_is_slow_itself(world: World) -> None:
    async def listens(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async with client(in_time(world, listens)) as http:
        problem_of(await http.post("/api/x", content=b"{}"), 503, "deadline_exceeded")


async def test_an_error_that_comes_after_the_deadline_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError

    async with client(in_time(world, fails)) as http:
        problem_of(await http.get("/api/x"), 503, "deadline_exceeded")
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    assert codes(world) == ["deadline_exceeded", "internal_error"]
    assert caplog.records == []  # a task whose error nobody looks at says so here


async def test_an_answer_that_keeps_coming_is_not_cut_and_one_that_stalls_is(world: World) -> None:
    async def streams(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(5):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=SHORT.api / 2)
        await asyncio.Event().wait()

    sent, cut = await exchanged(in_time(world, streams))

    assert [message["type"] for message in sent] == ["http.response.start"] + ["http.response.body"] * 5
    assert cut


async def test_what_is_no_part_of_the_api_takes_its_time(world: World) -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=SHORT.api * 2)
        await PlainTextResponse("here")(scope, receive, send)

    async with client(in_time(world, slow)) as http:
        assert (await http.put("/objects/x")).text == "here"


async def test_a_request_that_is_cancelled_takes_its_work_with_it(world: World) -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def waits(_scope: Scope, _receive: Receive, _send: Send) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    async with client(in_time(world, waits)) as http:
        asking = asyncio.create_task(http.get("/objects/x"))
        await entered.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await left.wait()


def test_the_api_has_ten_seconds_and_finalize_a_minute_for_the_checksum() -> None:
    assert DEADLINES.of("/api/orders/o/status") == 10
    assert DEADLINES.of("/api/uploads/finalize") == 60
    assert DEADLINES.of("/objects/raw/a.jpg") is None


async def test_a_browser_may_read_that_the_server_is_ending(world: World) -> None:
    closing = Closing()
    app = create_app(world.ports, jwt_secret=SECRET, allowed_origins=[FRIEND], closing=closing)
    async with client(app) as http:
        closing.begun = True
        answer = await http.get("/api/notifications", headers={**bearer("anna"), "Origin": FRIEND})

    problem_of(answer, 503, "shutting_down")
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["connection"] == "close"
