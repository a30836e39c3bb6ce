"""Fixtures that every layer of tests uses."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import World, make_ports


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with make_ports(tmp_path) as opened:
        yield opened
