"""The adapters that the contract suites run on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from editqueue.adapters.job_store import SqlStore, open_store


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    assert request.param == "sqlite"
    opened = await open_store(f"sqlite:///{tmp_path}/store.db", migrate=True)
    yield opened
    await opened.close()
