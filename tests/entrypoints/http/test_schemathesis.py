"""Whatever a client sends: no 5xx, and every answer is one that the description names."""

# schemathesis leaves its generics open
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from devtools.world import make_ports
from tests.entrypoints.http.client import BASE, Api, bearer, build_app
from tests.entrypoints.http.test_route_table import ROUTES

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
EXAMPLES = 12
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def _aim(case: Any, path: str, order_id: str, ids: list[str], object_key: str) -> None:
    """Put what exists where the description only asks for any text; all else stays as schemathesis made it."""
    if "id" in case.path_parameters:
        case.path_parameters["id"] = order_id if path.startswith("/api/orders/") else ids[0]
    if type(case.body) is dict:
        real = {"ids": ids, "files": ids, "order_id": order_id, "object_key": object_key}
        case.body.update({name: value for name, value in real.items() if name in case.body})


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_answer_is_one_that_is_described(route: str, runner: asyncio.Runner, tmp_path: Path) -> None:
    method, path = route.split()
    opened = make_ports(tmp_path)
    world = runner.run(opened.__aenter__())
    app = build_app(world)
    transport = httpx.ASGITransport(app)
    http = httpx.AsyncClient(transport=transport, base_url=BASE, headers=bearer("anna"))
    order, files = runner.run(Api(world, http).files(3))
    ids = st.lists(st.sampled_from([one.id for one in files]), min_size=1, max_size=3)
    operation: Any = schemathesis.openapi.from_dict(app.openapi())[path][method]

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=SLOW)
    @given(case=operation.as_strategy(), ids=ids, really=st.sampled_from([True, True, True, False]))
    def probe(case: Any, ids: list[str], really: bool) -> None:
        if really:
            _aim(case, path, order.id, ids, files[0].object_key)
        sent: dict[str, Any] = case.as_transport_kwargs(base_url=BASE)
        request = httpx.Request(
            sent["method"],
            sent["url"],
            params=sent.get("params") or None,
            json=sent.get("json"),
            content=sent.get("data"),
            headers={**dict(sent.get("headers") or {}), **bearer("anna")},
        )
        answer = runner.run(http.send(request))
        case.validate_response(answer, checks=CHECKS)

    try:
        probe()
    finally:
        runner.run(http.aclose())
        runner.run(opened.__aexit__(None, None, None))
