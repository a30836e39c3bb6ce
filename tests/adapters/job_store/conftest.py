"""What several tests of D1 over HTTP stand on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devtools.cloudflare_queue.d1 import D1Api, d1_api, sqlite_d1
from devtools.databases import sqlite_path


@pytest.fixture(name="api")
async def _api(tmp_path: Path) -> AsyncIterator[D1Api]:
    """D1's HTTP API, with SQLite behind it."""
    with sqlite_d1(sqlite_path(tmp_path)) as behind:
        async with d1_api(behind) as api:
            yield api
