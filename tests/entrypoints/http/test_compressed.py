"""What a server compresses: the lists of the API, and nothing that is a photo."""

import httpx
import pytest

from devtools.world import SECRET, World
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.in_time import Closing
from tests.entrypoints.http.client import BASE, Api, bearer

GZIP = {"Accept-Encoding": "gzip"}


def served(world: World) -> httpx.AsyncClient:
    app = create_app(world.ports, jwt_secret=SECRET, closing=Closing())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=bearer("anna"))


@pytest.mark.parametrize(("count", "compressed"), [(40, True), (1, False)])
async def test_lists_are_compressed_when_it_pays(
    world: World, api: Api, count: int, compressed: bool
) -> None:  # a parameter
    order, files = await api.files(count)
    async with served(world) as http:
        plain = await http.get(f"/api/orders/{order.id}/files", headers={"Accept-Encoding": "identity"})
        answer = await http.get(f"/api/orders/{order.id}/files", headers=GZIP)

    assert (answer.headers.get("content-encoding") == "gzip") is compressed
    assert answer.json() == plain.json()
    assert len(answer.json()["files"]) == len(files)
