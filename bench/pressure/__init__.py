"""Promise 27: what makes a queue in a database slow down, each beside procrastinate and pgqueuer on the same server.

EDITQUEUE_BENCH_PRESSURE names the parts to measure, apart by commas; all of them by default.
"""

import os
import tempfile
from pathlib import Path

from bench.figures import Figure
from bench.pressure import census, cycles, fresh, pinned, readers
from devtools.scratch import in_memory

PARTS = {
    "pinned": pinned.measure,
    "fresh": fresh.measure,
    "cycles": cycles.measure,
    "census": census.measure,
    "readers": readers.measure,
}


async def measure() -> list[Figure]:
    wanted = os.environ.get("EDITQUEUE_BENCH_PRESSURE", ",".join(PARTS)).split(",")
    figures: list[Figure] = []
    for name in wanted:
        with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
            figures += await PARTS[name](Path(folder))
    return figures
