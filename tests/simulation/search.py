"""Many seeds, on all cores."""

import multiprocessing
from collections.abc import Iterable, Iterator

from tests.simulation.world import Ending, run


def run_all(seeds: Iterable[int], *, processes: int) -> Iterator[Ending]:
    """What came of each, in no order."""
    if processes == 1:
        yield from map(run, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(_run_briefly, seeds, chunksize=20)


def _run_briefly(seed: int) -> Ending:
    return run(seed).without_story()
