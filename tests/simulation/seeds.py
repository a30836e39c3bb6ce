"""What `make test` runs: a thousand worlds, in two files, for pytest gives each file to one core."""

from typing import Final

from tests.simulation.shorten import shorten
from tests.simulation.world import run

A_TEST = 50
"""Seeds."""
HALVES = range(1, 501), range(501, 1001)

KEPT: Final = (50349, 52000, 55673, 36658, 10388, 16377, 19563, 22103, 28331, 38582, 43837)
"""Beyond the thousand, each of them failed once. The first three by the code: a consumer that was stopped while it
deleted what had expired deleted what had been made anew since. So the fourth: an error at the moment of a cancellation
was logged as one that nobody knew of. The others by the world: it killed the dead, forgot how long who had been stopped
was waiting, took two messages of one name for one, and compared timers by what they have not."""


def firsts(half: range) -> list[int]:
    """The first seed of each test."""
    return [*half[::A_TEST]]


def keep_their_promises(first: int) -> None:
    """Raises AssertionError with the shortened story of the first seed that does not."""
    for seed in range(first, first + A_TEST):
        keeps_its_promises(seed)


def keeps_its_promises(seed: int) -> None:
    """The same for one."""
    ending = run(seed)
    if ending.violation is not None:
        shorter = shorten(ending)
        what = "\n  ".join(shorter.happened)
        raise AssertionError(
            f"seed {seed}: {ending.violation}\n{shorter.story}what is needed for it:\n  {what}\n"
            f"all of it: make simulate SEED={seed}"
        )
