"""`make simulate`: any number of seeds, or the story of one."""

import argparse
import os
import sys
import time
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.coverage import ENOUGH, never_met, table
from tests.simulation.mutants import MUTANTS, Mutant, applied
from tests.simulation.search import run_all
from tests.simulation.shorten import shorten
from tests.simulation.world import Ending, run

MOST_SEEDS_A_MUTANT = 3_000
A_LINE = 1_000
"""Worlds, where there is no terminal to show a bar on."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many worlds")
    parser.add_argument("--first", type=int, default=1, help="the seed of the first")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="tell the story of this one")
    parser.add_argument("--mutants", action="store_true", help="look for the seed that finds each mutant")
    given = parser.parse_args()
    if given.seed is not None:
        return tell(run(given.seed))
    if given.mutants:
        return search_mutants()
    return search(range(given.first, given.first + given.seeds), given.processes)


def tell(ending: Ending) -> int:
    sys.stdout.write(ending.story)
    sys.stdout.write(f"seed {ending.seed}: {ending.violation or 'every promise kept'}\n")
    return 0 if ending.violation is None else 1


def search(seeds: range, processes: int) -> int:
    met: Counter[tuple[str, str]] = Counter()
    broken: list[Ending] = []
    began = time.monotonic()
    with _progress() as progress:
        bar = progress.add_task("worlds", total=len(seeds), speed="")
        for number, ending in enumerate(run_all(seeds, processes=processes), start=1):
            met.update(ending.met)
            if ending.violation is not None:
                broken.append(ending)
                progress.console.print(f"seed {ending.seed}: {ending.violation}")
            speed = f"{number / (time.monotonic() - began):.0f} seeds/s"
            progress.update(bar, advance=1, speed=speed)
            if number % A_LINE == 0 and not progress.console.is_terminal:
                progress.console.print(f"{number} of {len(seeds)} worlds, {speed}, {len(broken)} violations")
    took = time.monotonic() - began
    lacking = never_met(met) if len(seeds) >= ENOUGH else []
    sys.stdout.write(f"{table(met)}\n\n")
    sys.stdout.write(
        f"{len(seeds)} seeds in {took:.0f} s ({len(seeds) / took:.0f} a second), {sum(met.values())} faults, "
        f"{len(broken)} violations\n"
    )
    for name in lacking:
        sys.stdout.write(f"met by no fault: {name}\n")
    if broken:
        show_shortened(min(broken, key=lambda ending: ending.steps))
    return 1 if broken or lacking else 0


def show_shortened(ending: Ending) -> None:
    shorter = shorten(ending)
    sys.stdout.write(f"\n{shorter.story}")
    sys.stdout.write(
        f"seed {ending.seed}: {shorter.violation}\n"
        f"{len(shorter.happened)} of {len(ending.happened)} faults, acts and programs are needed for it:\n"
    )
    for name in shorter.happened:
        sys.stdout.write(f"  {name}\n")
    sys.stdout.write(f"All of it: make simulate SEED={ending.seed}\n")


def search_mutants() -> int:
    """A table: the first seed that finds it, a star for one that the kill sweeps miss, its name, and what broke."""
    missing = 0
    for name, mutant in MUTANTS.items():
        found = first_seed(mutant)
        missing += found is None
        seed, star = "--" if found is None else found.seed, "*" if mutant.missed_by_kill_sweeps else " "
        sys.stdout.write(f"{seed:>6} {star} {name}: {found and found.violation}\n")
        sys.stdout.flush()
    return 1 if missing else 0


def first_seed(mutant: Mutant) -> Ending | None:
    with applied(mutant):
        return next((found for found in map(run, range(1, MOST_SEEDS_A_MUTANT + 1)) if found.violation), None)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"))
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    raise SystemExit(main())
