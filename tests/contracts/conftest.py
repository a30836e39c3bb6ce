"""The adapters that the contract suites run on."""

from collections.abc import AsyncIterator

import pytest

from editqueue.adapters.job_store import SqlStore, open_store
from tests.servers.databases import NewDatabase


@pytest.fixture
async def store(new_database: NewDatabase) -> AsyncIterator[SqlStore]:
    opened = await open_store(new_database())
    yield opened
    await opened.close()
