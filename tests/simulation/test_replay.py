"""One seed, one story: in every process, and also where something is left out."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.mutants import MUTANTS, applied
from tests.simulation.shorten import shorten
from tests.simulation.world import run

ROOT = Path(__file__).parents[2]
SEEDS = (2, 3, 18, 21)
"""Of both kinds of worlds, with and without kills."""
TELL = """
import sys
from tests.simulation.world import run
sys.stdout.write("".join(run(int(seed)).story for seed in sys.argv[1:]))
"""


def told(*, hash_seed: str) -> bytes:
    """The stories of SEEDS, as another process tells them."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    words = [sys.executable, "-c", TELL, *map(str, SEEDS)]
    return subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True).stdout


def test_two_processes_tell_the_same_story_of_a_seed_byte_for_byte() -> None:
    first, second = told(hash_seed="1"), told(hash_seed="2")

    assert first.count(b"everything is at rest") == len(SEEDS)
    assert first == second


def test_a_seed_tells_its_story_again_after_others_were_told() -> None:
    before = run(SEEDS[0])
    run(SEEDS[1])

    assert run(SEEDS[0]) == before


def test_different_seeds_tell_different_stories() -> None:
    assert len({run(seed).story for seed in SEEDS}) == len(SEEDS)


def test_a_fault_that_is_left_out_does_not_happen_and_all_before_it_stays() -> None:
    whole = run(18)
    fault = next(name for name in reversed(whole.happened) if ":" in name)

    without = run(18, only=frozenset(whole.happened) - {fault})

    assert fault not in without.happened
    same = [one == other for one, other in zip(whole.story.split("\n"), without.story.split("\n"), strict=False)]
    assert same.index(False) > 10


def test_a_failing_run_is_made_shorter_and_breaks_the_same_promise() -> None:
    name = "two tries at an end share a token"
    with applied(MUTANTS[name]):
        whole = run(MUTANTS[name].found_by)
        shorter = shorten(whole)
        again = run(whole.seed, only=frozenset(shorter.happened))

    assert whole.violation is not None
    assert shorter.violation is not None
    assert shorter.violation.promise == whole.violation.promise
    assert len(shorter.happened) < len(whole.happened) / 2
    assert again == shorter


def test_a_run_that_breaks_no_promise_cannot_be_shortened() -> None:
    with pytest.raises(AssertionError, match="breaks no promise"):
        shorten(replace(run(2), happened=["anna 0"]))
