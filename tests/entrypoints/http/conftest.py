"""The whole API on a fresh world."""

from collections.abc import AsyncIterator

import httpx
import pytest

from devtools.world import World
from tests.entrypoints.http.client import BASE, Api, build_app


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(build_app(world))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        yield Api(world, http)
