"""The first half of the worlds that `make test` runs, see seeds.py."""

import pytest

from tests.simulation.seeds import HALVES, KEPT, firsts, keep_their_promises, keeps_its_promises


@pytest.mark.parametrize("first", firsts(HALVES[0]))
def test_whatever_chance_does_every_promise_is_kept(first: int) -> None:
    keep_their_promises(first)


@pytest.mark.parametrize("seed", KEPT)
def test_what_failed_once_keeps_every_promise_now(seed: int) -> None:
    keeps_its_promises(seed)
