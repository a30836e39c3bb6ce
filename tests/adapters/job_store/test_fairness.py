"""One customer with thousands of files does not starve another with one; `make bench-fairness` shows it with 5,000."""

from datetime import timedelta

import pytest

from devtools.databases import KINDS, Kind
from devtools.fairness import jobs_ahead_of_one

BACKLOG = 1000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seconds", "most"), [(0, 1), (60, 3)])
async def test_one_file_goes_before_nearly_all_of_a_large_backlog(kind: Kind, seconds: int, most: int) -> None:
    ahead = await jobs_ahead_of_one(kind, files=BACKLOG, later=timedelta(seconds=seconds))

    assert ahead <= most


@pytest.mark.parametrize("kind", KINDS)
async def test_an_express_file_goes_before_all_of_it(kind: Kind) -> None:
    assert await jobs_ahead_of_one(kind, files=BACKLOG, later=timedelta(hours=8), express=True) == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_that_is_not_express_goes_before_all_but_four_of_an_express_backlog(kind: Kind) -> None:
    ahead = await jobs_ahead_of_one(kind, files=BACKLOG, later=timedelta(hours=8), express_backlog=True)

    assert ahead == 4
