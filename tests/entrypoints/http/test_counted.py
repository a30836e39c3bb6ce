"""Requests are counted by route, method and status; nothing that a client makes up becomes a label."""

from dataclasses import dataclass, field, replace
from typing import cast

import httpx

from devtools.world import SECRET, World
from editqueue.adapters.bucket.local.server import create_object_app
from editqueue.domain.files import Order
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.in_time import Closing
from editqueue.ports.job_store import JobStore
from tests.entrypoints.http.client import BASE, Api, bearer


@dataclass
class Counts:
    told: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    seconds: list[float] = field(default_factory=list[float])

    def __call__(self, *, method: str, route: str, status: int, seconds: float) -> None:
        self.told.append((method, route, status))
        self.seconds.append(seconds)


@dataclass(frozen=True)
class DefectiveStore:
    async def order(self, order_id: str) -> Order | None:
        raise RuntimeError("a defect")


def counted(world: World, counts: Counts, closing: Closing | None = None) -> httpx.AsyncClient:
    app = create_app(
        world.ports,
        jwt_secret=SECRET,
        object_app=create_object_app(world.bucket, world.signer),
        preview_origin=BASE,
        closing=closing or Closing(),
        count=counts,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=bearer("anna"))


async def test_requests_are_told_by_the_pattern_of_their_route(world: World, api: Api) -> None:
    order, _ = await api.files(1)
    counts = Counts()
    async with counted(world, counts) as http:
        await http.get(f"/api/orders/{order.id}/files")
        await http.get("/api/orders/nobodys/files")
        await http.post(f"/api/orders/{order.id}/submit-edits", json={})
        await http.get("/healthz")
        await http.get(f"/orders/{order.id}/review")
        await http.get("/review-assets/nothing.js")
        await http.get("/objects/nothing")

    assert counts.told == [
        ("GET", "/api/orders/{id}/files", 200),
        ("GET", "/api/orders/{id}/files", 404),
        ("POST", "/api/orders/{id}/submit-edits", 422),
        ("GET", "/healthz", 200),
        ("GET", "/orders/{id}/review", 200),
        ("GET", "/review-assets", 404),
        ("GET", "/objects", 403),
    ]
    assert all(seconds >= 0 for seconds in counts.seconds)


async def test_what_clients_make_up_is_one_label(world: World) -> None:
    counts = Counts()
    async with counted(world, counts) as http:
        await http.get("/wp-login.php")
        await http.get("/api/orders/1/2/3/4")
        await http.request("BREW", "/pot")

    assert counts.told == [("GET", "other", 404), ("GET", "other", 404), ("other", "other", 404)]


async def test_a_defect_and_a_server_that_ends_are_counted_as_what_the_client_got(world: World) -> None:
    counts, closing = Counts(), Closing()
    broken = replace(world, ports=replace(world.ports, store=cast("JobStore", DefectiveStore())))
    async with counted(broken, counts, closing) as http:
        assert (await http.get("/api/orders/1/files")).status_code == 500
        closing.begun = True
        assert (await http.get("/api/orders/1/files")).status_code == 503

    assert counts.told == [("GET", "/api/orders/{id}/files", 500), ("GET", "other", 503)]
