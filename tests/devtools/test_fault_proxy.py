"""The proxy that the promises trust: what it spoils, and what it leaves alone."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from devtools.fault_proxy import FAULTS, Fault, Proxy, SometimesFaulty, fault_proxy, tcp

BODY = b"0123456789" * 1000


class Upstream:
    def __init__(self) -> None:
        self.requests = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY) + BODY)
        await writer.drain()
        writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[Upstream, Proxy]]:
    behind = Upstream()
    server = await asyncio.start_server(behind.handle, "127.0.0.1", 0)
    async with fault_proxy(tcp("127.0.0.1", server.sockets[0].getsockname()[1]), http=True) as proxy:
        yield behind, proxy
    server.close()


async def _get(proxy: Proxy) -> httpx.Response:
    async with httpx.AsyncClient(timeout=0.5) as client:
        return await client.get(f"http://127.0.0.1:{proxy.port}/a")


async def test_without_a_fault_everything_passes(upstream: tuple[Upstream, Proxy]) -> None:
    answer = await _get(upstream[1])

    assert (answer.status_code, answer.content, upstream[1].faults) == (200, BODY, 0)


@pytest.mark.parametrize(
    ("fault", "error", "heard"),
    [
        ("timeout", httpx.ReadTimeout, 0),
        ("reset", httpx.NetworkError, 0),
        ("cut", httpx.RemoteProtocolError, 1),
        ("answer lost", httpx.NetworkError, 1),
    ],
)
async def test_each_fault_is_what_it_is_called(
    upstream: tuple[Upstream, Proxy], fault: Fault, error: type[Exception], heard: int
) -> None:
    behind, proxy = upstream
    proxy.choose = lambda _: fault

    with pytest.raises(error):
        await _get(proxy)

    assert (behind.requests, proxy.faults) == (heard, 1)


async def test_503_is_an_answer(upstream: tuple[Upstream, Proxy]) -> None:
    behind, proxy = upstream
    proxy.choose = lambda _: "503"

    assert (await _get(proxy)).status_code == 503
    assert (behind.requests, proxy.faults) == (0, 1)


async def test_an_outage_resets_everybody_until_it_is_over(upstream: tuple[Upstream, Proxy]) -> None:
    _, proxy = upstream
    proxy.down()
    with pytest.raises(httpx.NetworkError):
        await _get(proxy)

    proxy.up()

    assert (await _get(proxy)).status_code == 200


def test_no_object_is_spoiled_more_often_than_its_job_can_bear() -> None:
    faulty = SometimesFaulty(seed=1, one_in=1, most=5)

    fates = [faulty(f"GET /b/user/anna/orders/o/{kind}/bild-1.jpg HTTP/1.1") for kind in ("raw", "processed") * 5]

    assert all(one in FAULTS for one in fates[:5])
    assert fates[5:] == [None] * 5
