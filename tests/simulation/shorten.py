"""A failing run made shorter: faults, acts of customers and programs are left out while it still fails."""

from collections.abc import Iterator
from typing import Final

from tests.simulation.world import Ending, run

MOST_TRIES: Final = 300


def shorten(ending: Ending) -> Ending:
    """A run of the same seed that breaks the same promise with less.

    Only what happened in the longer run may happen in a shorter one. As every place draws its own chance, all of that
    stays as it was where nothing else leads there by another way.
    """
    tries = 0
    for size in _sizes(len(ending.happened)):
        end = len(ending.happened)
        while end > 0 and tries < MOST_TRIES:
            tries += 1
            kept = frozenset(ending.happened[: max(0, end - size)] + ending.happened[end:])
            shorter = run(ending.seed, only=kept)
            if _breaks_the_same(shorter, ending):
                ending = shorter
            end = min(end - size, len(ending.happened))
    return ending


def _breaks_the_same(shorter: Ending, ending: Ending) -> bool:
    assert ending.violation is not None, f"seed {ending.seed} breaks no promise"
    return shorter.violation is not None and shorter.violation.promise == ending.violation.promise


def _sizes(total: int) -> Iterator[int]:
    """Halves, quarters and so on; one by one twice, for what only the first time made dispensable."""
    size = total // 2
    while size > 1:
        yield size
        size //= 2
    yield from (1, 1)
