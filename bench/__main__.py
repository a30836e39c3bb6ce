"""`make bench`: run every bench, write JSON under bench/results/, print one table."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import fairness, growth, jpeg, memory, moved, plans, raw, submit
from bench.figures import Figure

BENCHES = {
    "submit": submit.measure,
    "growth": growth.measure,
    "fairness": fairness.measure,
    "plans": plans.measure,
    "jpeg": jpeg.measure,
    "raw": raw.measure,
    "moved": moved.measure,
    "memory": memory.measure,
}
RESULTS = Path(__file__).parent / "results"


def main(names: list[str]) -> None:
    unknown = set(names) - BENCHES.keys()
    if unknown:
        sys.exit(f"bench: no bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    figures = [figure for name in names or BENCHES for figure in asyncio.run(BENCHES[name]())]
    _write(figures)
    for figure in figures:
        print(figure.line())


def _write(figures: list[Figure]) -> None:
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    document = {"measured_at": now.isoformat(), "figures": [one.as_json() for one in figures]}
    (RESULTS / f"{now:%Y%m%d-%H%M%S}.json").write_text(json.dumps(document, indent=2))


main(sys.argv[1:])
