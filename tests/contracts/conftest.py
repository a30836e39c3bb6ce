"""The adapters that the contract suites run on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devtools.cloudflare.isolate import isolate
from devtools.databases import KINDS, new_postgres, new_sqlite
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore


@pytest.fixture(params=[*KINDS, "d1"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    if request.param == "d1":
        async with isolate(request.getfixturevalue("cloudflare")) as opened:
            yield opened.store
    elif request.param == "sqlite":
        opened = await open_store(new_sqlite(tmp_path))
        yield opened
        await opened.close()
    else:
        with new_postgres() as new:
            opened = await open_store(new())
            yield opened
            await opened.close()
