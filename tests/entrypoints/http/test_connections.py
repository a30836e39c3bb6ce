"""Idle, slow and too many clients: nobody keeps a connection that others need."""

import asyncio
import logging
from dataclasses import replace

import pytest

from devtools.patience import PATIENCE
from devtools.world import World
from editqueue.entrypoints.http.connections import ConnectionLimits
from tests.entrypoints.http.serving import Wire, served

ANSWERED_EARLY = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n"
IMPATIENT = ConnectionLimits(most=9, silence=0.2, stalled=0.2, look_every=0.02)


async def test_at_the_bound_whoever_has_been_idle_longest_gives_way(world: World) -> None:
    async with served(world, ConnectionLimits(most=3)) as here:
        first, second, third = [await here.connect() for _ in range(3)]
        for wire in (second, third, first):  # the first has been heard of last
            wire.ask()
            assert await wire.ok()
        fourth = await here.connect()
        fourth.ask()

        assert await fourth.ok()
        assert await second.rest() == b""
        for wire in (first, third):
            wire.ask()
            assert await wire.ok()


async def test_where_all_are_busy_the_new_one_is_told_to_come_again(world: World) -> None:
    async with served(world, ConnectionLimits(most=1)) as here:
        busy = await here.connect()
        busy.ask("/waits")
        await here.app.entered.wait()
        refused = await here.connect()
        refused.ask()

        assert "retry-after: 5" in await refused.problem(503, "too_many_connections")
        here.app.gate.set()
        assert await busy.ok()


async def test_a_crowd_of_refused_clients_is_cut_off(world: World) -> None:
    async with served(world, ConnectionLimits(most=1, reading_refusal=0.1, look_every=0.02)) as here:
        busy = await here.connect()
        busy.ask("/waits")
        await here.app.entered.wait()
        crowd = [await here.connect() for _ in range(40)]

        answers = [await wire.rest() for wire in crowd]
        assert all(b"too_many_connections" in answer for answer in answers)
        here.app.gate.set()
        assert await busy.ok()


async def dribbled(wire: Wire) -> bytes:
    """What the server says while it gets one byte after the other, until it has had enough."""
    said = asyncio.ensure_future(wire.rest())
    while not said.done():
        wire.writer.write(b"a")
        await asyncio.wait([said], timeout=0.01)
    return said.result()


async def test_headers_that_dribble_in_are_not_waited_for(world: World) -> None:
    async with served(world, IMPATIENT) as here:
        wire = await here.connect()
        wire.writer.write(b"GET / HTTP/1.1\r\nX-Endless: ")

        assert await dribbled(wire) == b""
        assert not here.app.entered.is_set()


async def test_who_connects_and_says_nothing_is_cut_off(world: World) -> None:
    async with served(world, IMPATIENT) as here:
        wire = await here.connect()

        assert await wire.rest() == b""


async def test_a_body_that_nobody_reads_any_more_keeps_no_connection_alive(world: World) -> None:
    async with served(world, replace(IMPATIENT, answered_body=0.2)) as here:
        wire = await here.connect()
        wire.writer.write(ANSWERED_EARLY)
        assert await wire.ok()

        assert await dribbled(wire) == b""


async def test_a_body_that_stops_after_its_answer_is_not_waited_for(world: World) -> None:
    async with served(world, IMPATIENT) as here:
        wire = await here.connect()
        wire.writer.write(ANSWERED_EARLY)
        assert await wire.ok()

        assert await wire.rest() == b""


async def test_who_was_answered_early_may_send_the_rest_slowly_and_go_on(world: World) -> None:
    async with served(world, replace(IMPATIENT, stalled=60)) as here:
        wire, quiet = await here.connect(), await here.connect()
        wire.writer.write(ANSWERED_EARLY)
        assert await wire.ok()
        wire.writer.write(b"a" * 500_000)
        assert await quiet.rest() == b""  # its time has passed now
        assert await (await here.connect()).rest() == b""
        wire.writer.write(b"a" * 500_000)
        wire.ask()

        assert await wire.ok()
        assert await wire.rest() == b""  # and is idle then, as others are


async def test_at_the_bound_who_still_sends_a_body_does_not_give_way(world: World) -> None:
    async with served(world, ConnectionLimits(most=1)) as here:
        wire = await here.connect()
        wire.writer.write(ANSWERED_EARLY)
        assert await wire.ok()

        await (await here.connect()).problem(503, "too_many_connections")
        wire.writer.write(b"a" * 1_000_000)
        wire.ask()
        assert await wire.ok()


async def test_at_the_bound_who_was_answered_long_ago_and_still_sends_a_body_gives_way(world: World) -> None:
    async with served(world, ConnectionLimits(most=1, silence=0, look_every=60)) as here:
        wire = await here.connect()
        wire.writer.write(ANSWERED_EARLY)
        assert await wire.ok()
        other = await here.connect()
        other.ask()

        assert await other.ok()
        assert await wire.rest() == b""


async def test_a_request_may_take_longer_than_silence_may(world: World) -> None:
    async with served(world, IMPATIENT) as here:
        wire, quiet = await here.connect(), await here.connect()
        wire.ask("/waits")
        assert await quiet.rest() == b""  # its time has passed now

        here.app.gate.set()
        assert await wire.ok()


async def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(world: World) -> None:
    async with served(world, IMPATIENT) as here:
        wire = await here.connect()
        wire.ask("/streams")  # its reader takes 64 KB and pauses, then the buffers on the way fill

        async with asyncio.timeout(PATIENCE):
            await here.app.left.wait()


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"])
async def test_what_is_no_http_gets_a_problem(world: World, begun: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with served(world, ConnectionLimits(most=9)) as here:
        wire = await here.connect()
        wire.writer.write(begun)
        if begun:
            assert await wire.ok()
        wire.writer.write(b"\x16\x03\x01 no such thing\r\n\r\n")

        await wire.problem(400, "bad_request")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_bad_chunk_after_the_answer_is_no_error_of_ours(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async with served(world, ConnectionLimits(most=9)) as here:
        wire = await here.connect()
        wire.writer.write(b"POST /streams HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert "200 ok" in await wire.head()
        wire.writer.write(b"no number\r\n")

        assert b"HTTP/1.1" not in await wire.rest()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
