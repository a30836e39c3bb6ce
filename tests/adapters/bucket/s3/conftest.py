"""The server that every test of this folder may script."""

from collections.abc import AsyncIterator

import pytest

from tests.adapters.bucket.s3.scripted_server import ScriptedServer, scripted_server


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as server:
        yield server
