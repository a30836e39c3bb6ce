"""How the databases go about every statement of the store, with a million finished jobs behind them.

`make bench-plans` prints every plan and counts those that read a whole table.
"""

import os

from bench.figures import Figure
from devtools.databases import KINDS
from devtools.history import Size
from devtools.plans import plans_on

FINISHED = int(os.environ.get("EDITQUEUE_BENCH_FINISHED", "1000000"))
QUEUED = 10_000
SIZE = Size(finished=FINISHED, queued=QUEUED, files=max(FINISHED // 4, QUEUED))


async def measure() -> list[Figure]:
    """Every plan goes to stdout."""
    figures: list[Figure] = []
    for kind in KINDS:
        plans = await plans_on(kind, SIZE)
        print(*dict.fromkeys(str(one) for one in plans), sep="\n")
        scans = sum(bool(one.scanned) for one in plans)
        what = f"statements that read a whole table, of {len(plans)} plans, {kind}, {FINISHED:,} finished jobs"
        figures.append(Figure(promise=18, what=what, measured=scans, target=0, unit=""))
    return figures
