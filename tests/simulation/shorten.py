"""A failing run made shorter: faults, acts of customers and programs are left out while it still fails."""

from collections.abc import Iterator, Sequence

from tests.simulation.world import Ending, run

MOST_TRIES = 400


def shorten(ending: Ending) -> tuple[Ending, frozenset[str]]:
    """A shorter run of the same seed that breaks the same promise, and what it leaves out.

    Every place draws its own chance, so that leaving one thing out changes little of the rest.
    """
    left_out: frozenset[str] = frozenset()
    tries = 0
    for size in _sizes(len(ending.happened)):
        for part in _parts(ending.happened, size):
            tries += 1
            if tries > MOST_TRIES:
                return ending, left_out
            if not set(part).intersection(ending.happened):
                continue
            shorter = run(ending.seed, left_out=left_out.union(part))
            if _breaks_the_same(shorter, ending):
                ending, left_out = shorter, left_out.union(part)
    return ending, left_out


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


def _parts(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """From the end: what comes late is most often dispensable."""
    for end in range(len(names), 0, -size):
        yield names[max(0, end - size) : end]
