"""That the simulation sees: each defect below is found by the seed beside it, which breaks no promise without."""

import pytest

from tests.simulation.mutants import MUTANTS, applied
from tests.simulation.world import run


@pytest.mark.parametrize("name", MUTANTS)
def test_a_defect_in_the_real_code_breaks_a_promise(name: str) -> None:
    seed = MUTANTS[name].found_by

    with applied(MUTANTS[name]):
        mutated = run(seed)

    assert mutated.violation is not None
    assert run(seed).violation is None


def test_there_are_enough_of_them_and_the_kill_sweeps_miss_some() -> None:
    assert len(MUTANTS) >= 15
    assert any(mutant.missed_by_kill_sweeps for mutant in MUTANTS.values())
