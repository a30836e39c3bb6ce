"""Every promise is kept on SQLite and on PostgreSQL; at full size PostgreSQL stands beside a real S3 server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from devtools.databases import KINDS, Kind, new_postgres, new_sqlite
from devtools.world import World, make_ports
from editqueue.domain.ids import new_id
from tests.reliability.processes import Processes, processes
from tests.reliability.report import Tally, begin_tally
from tests.reliability.site import Site
from tests.reliability.size import FULL


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture
def database_url(kind: Kind, tmp_path: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield new_sqlite(tmp_path, "editqueue")
        return
    with new_postgres() as new:
        yield new()


@pytest.fixture
async def world(tmp_path: Path, database_url: str, tally: Tally) -> AsyncIterator[World]:
    async with make_ports(tmp_path, url=database_url) as opened:
        yield opened
        tally.jobs += sum((await opened.store.queue_stats(now=opened.clock.now())).jobs.values())


@pytest.fixture
async def site(request: pytest.FixtureRequest, kind: Kind, database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A database of its own, and a customer of its own in the bucket, which is left empty."""
    s3 = request.getfixturevalue("s3_server") if FULL and kind == "postgresql" else None
    made = Site(kind=kind, database_url=database_url, folder=tmp_path, s3=s3, user_id=f"anna-{new_id()}")
    yield made
    async with made.open() as here:
        await here.clear()
        assert await here.keys() == set()


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Starts processes of the system, quickly."""
    with processes(tmp_path_factory.mktemp("processes")) as ready:
        yield ready


@pytest.fixture(autouse=True)
def tally(request: pytest.FixtureRequest) -> Tally:
    """What this test does, for the report."""
    return begin_tally(request)
