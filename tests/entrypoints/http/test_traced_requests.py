"""Requests of the API as traces have them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from opentelemetry.trace import SpanKind
from starlette.types import Receive, Scope, Send

from devtools.world import World
from editqueue.adapters.journal.server_spans import ServerSpans, current_traceparent
from editqueue.entrypoints.http.in_time import Closing, Deadlines, InTime
from tests.adapters.journal.spans import Kept, failure, told
from tests.entrypoints.http.client import BASE, Api, bearer, build_app

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(name="kept")
def _kept() -> Kept:
    return Kept()


@pytest.fixture(name="api")
async def _api(world: World, kept: Kept) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(ServerSpans(build_app(world), kept.tracer))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        yield Api(world, http)


async def test_a_request_is_a_span_named_by_its_route_and_not_by_its_path(api: Api, kept: Kept) -> None:
    order, _ = await api.files(1)

    answer = await api.get(f"/api/orders/{order.id}/files", params={"room_type": "bad"})

    assert answer.status_code == 200
    [(name, span)] = kept.spans().items()
    assert (name, span.kind, failure(span)) == ("GET /api/orders/{id}/files", SpanKind.SERVER, None)
    assert told(span) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.route": "/api/orders/{id}/files",
        "http.response.status_code": 200,
    }


async def test_a_request_goes_on_with_the_trace_of_its_caller(api: Api, kept: Kept) -> None:
    await api.http.get("/api/notifications", headers=bearer("anna") | {"traceparent": TRACEPARENT})

    [span] = kept.spans().values()
    assert span.parent is not None
    assert f"00-{span.parent.trace_id:032x}-{span.parent.span_id:016x}-01" == TRACEPARENT


@pytest.mark.parametrize("header", ["", "gibberish", "00-0-0-00", "\x00", "ff-" + "a" * 500])
async def test_a_caller_who_sends_nonsense_gets_its_answer(api: Api, kept: Kept, header: str) -> None:
    answer = await api.http.get("/api/notifications", headers=bearer("anna") | {"traceparent": header})

    assert answer.status_code == 200
    [span] = kept.spans().values()
    assert span.parent is None


async def test_who_is_refused_is_told_by_status_and_is_no_failure_of_ours(api: Api, kept: Kept) -> None:
    assert (await api.http.get("/api/notifications")).status_code == 401

    [(name, span)] = kept.spans().items()
    assert (name, failure(span), told(span)["http.response.status_code"]) == ("GET /api/notifications", None, 401)


async def test_a_path_that_is_no_route_gives_the_span_no_name(api: Api, kept: Kept) -> None:
    assert (await api.get("/api/of/anna/hidden.jpg")).status_code == 404

    [(name, span)] = kept.spans().items()
    assert (name, "http.route" in told(span)) == ("GET", False)


async def test_what_is_no_part_of_the_api_is_no_span(api: Api, kept: Kept) -> None:
    assert (await api.get("/healthz")).status_code == 200
    await api.get("/objects/x")

    assert kept.spans() == {}


async def test_an_answer_in_place_of_one_that_took_too_long_is_a_failure(world: World, kept: Kept) -> None:
    running: list[str | None] = []

    async def stuck(_scope: Scope, receive: Receive, _send: Send) -> None:
        running.append(current_traceparent())
        while True:
            await receive()

    in_time = InTime(stuck, closing=Closing(), journal=world.journal, deadlines=Deadlines(api=0.05, slow={}))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(ServerSpans(in_time, kept.tracer)), base_url=BASE
    ) as http:
        assert (await http.get("/api/x")).status_code == 503

    [span] = kept.spans().values()
    assert (failure(span), told(span)["http.response.status_code"]) == ("503", 503)
    context = span.context
    assert context is not None
    assert running == [f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"], (
        "the task of the answer knows of it"
    )
    assert current_traceparent() is None


async def test_an_error_that_nobody_caught_is_a_failure_and_comes_out(kept: Kept) -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(ServerSpans(broken, kept.tracer)), base_url=BASE
        ) as http:
            await http.get("/api/x")

    assert failure(kept.spans()["GET"]) == "ZeroDivisionError"
