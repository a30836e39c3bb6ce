"""The server's end: everybody is answered or cut off, soon, and nothing is written down as an error."""

import asyncio
import logging

import pytest

from devtools.patience import PATIENCE
from devtools.world import World
from editqueue.entrypoints.http import web_server
from editqueue.entrypoints.http.connections import ConnectionLimits
from tests.entrypoints.http.serving import served

LIMITS = ConnectionLimits(most=9)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(web_server, "LAST_REQUESTS", 0.3)
    monkeypatch.setattr(web_server, "LAST_ANSWERS", 0.1)
    caplog.set_level(logging.WARNING)


async def test_a_request_that_still_runs_is_told_to_come_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async with served(world, LIMITS) as here:
        wire = await here.connect()
        wire.ask("/waits")
        await here.app.entered.wait()
        ending = asyncio.create_task(here.end())

        assert "retry-after: 5" in await wire.problem(503, "shutting_down")
        await ending
        assert here.app.left.is_set()
    assert caplog.records == []


async def test_who_asks_on_a_kept_connection_while_others_are_waited_for_is_told_so(world: World) -> None:
    async with served(world, LIMITS) as here:
        kept, waiting = await here.connect(), await here.connect()
        kept.ask()
        assert await kept.ok()
        here.app.entered.clear()
        waiting.ask("/waits")
        await here.app.entered.wait()
        here.web.should_exit = True
        async with asyncio.timeout(PATIENCE):
            while not here.closing.begun:
                await asyncio.wait([here.running], timeout=0.01)
        kept.ask()

        assert "retry-after: 5" in await kept.problem(503, "shutting_down")
        here.app.gate.set()
        assert await waiting.ok()


async def test_an_answer_that_has_begun_is_cut_off(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async with served(world, LIMITS) as here:
        wire = await here.connect()
        wire.ask("/streams")
        assert "200 ok" in await wire.head()
        ending = asyncio.create_task(here.end())

        assert not (await wire.rest()).endswith(b"0\r\n\r\n")
        await ending
    assert caplog.records == []


async def test_a_client_that_keeps_silent_holds_nothing_up(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async with served(world, LIMITS) as here:
        kept, silent = await here.connect(), await here.connect()
        kept.ask()
        assert await kept.ok()
        silent.writer.write(b"GET /")
        started = asyncio.get_running_loop().time()
        await here.end()

        assert asyncio.get_running_loop().time() - started < 2
        assert await kept.rest() == await silent.rest() == b""
    assert caplog.records == []
