"""The first half of the worlds that `make test` runs, see seeds.py."""

import pytest

from tests.simulation.seeds import HALVES, firsts, keep_their_promises


@pytest.mark.parametrize("first", firsts(HALVES[0]))
def test_whatever_chance_does_every_promise_is_kept(first: int) -> None:
    keep_their_promises(first)
