"""The adapters that the contract suites run on."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devtools.cloudflare.isolate import isolate
from devtools.cloudflare_queue.d1 import d1_api, sqlite_d1
from devtools.databases import KINDS, new_postgres, new_sqlite, sqlite_path
from editqueue.adapters.job_store.opening.open_d1 import open_d1_store
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.statements.traces import TraceParent
from editqueue.adapters.job_store.store.sql_store import SqlStore


@asynccontextmanager
async def d1_over_http(folder: Path, traceparent: TraceParent | None = None) -> AsyncGenerator[SqlStore]:
    """SQLite behind the stand-in of D1's HTTP API; the stories have workerd's own D1 there."""
    with sqlite_d1(sqlite_path(folder)) as behind:
        async with d1_api(behind) as api:
            opened = await open_d1_store(api.access, traceparent=traceparent)
            yield opened
            await opened.close()


@asynccontextmanager
async def store_on(kind: str, folder: Path, traceparent: TraceParent | None = None) -> AsyncGenerator[SqlStore]:
    """A store on a new database of this kind."""
    if kind == "d1 over http":
        async with d1_over_http(folder, traceparent) as opened:
            yield opened
    elif kind == "sqlite":
        opened = await open_store(new_sqlite(folder), traceparent=traceparent)
        yield opened
        await opened.close()
    else:
        with new_postgres() as new:
            opened = await open_store(new(), traceparent=traceparent, notifies=traceparent is not None)
            yield opened
            await opened.close()


@pytest.fixture(params=[*KINDS, "d1", "d1 over http"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    if request.param == "d1":
        async with isolate(request.getfixturevalue("cloudflare")) as isolated:
            yield isolated.store
    else:
        async with store_on(request.param, tmp_path) as opened:
            yield opened


class RunningRequest:
    """What the stores of `traced_store` are told to be running."""

    now: str | None = None

    def __call__(self) -> str | None:
        return self.now


@pytest.fixture
def running() -> RunningRequest:
    return RunningRequest()


@pytest.fixture(params=[*KINDS, "d1 over http"])
async def traced_store(
    request: pytest.FixtureRequest, tmp_path: Path, running: RunningRequest
) -> AsyncIterator[SqlStore]:
    """Where traces are on; in a Worker they cannot be."""
    async with store_on(request.param, tmp_path, running) as opened:
        yield opened
