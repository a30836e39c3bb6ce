"""`make bench`: run every bench, write JSON under bench/results/, print one table."""

import asyncio
import importlib
import sys
import time
import traceback
from collections.abc import Awaitable, Callable

from bench.figures import Figure
from bench.results import Run

BENCHES = {
    "submit": "submit-edits at 100 and 1,000 files (promise 19)",
    "growth": "claims and counts on a million finished jobs (18)",
    "plans": "no plan of the store reads a whole table (18)",
    "fairness": "one customer's single file behind another's backlog",
    "jpeg": "JPEG previews beside sharp and the Huffman floor (13)",
    "coded": "HIF, HEIC and AVIF beside libheif and aom (31)",
    "raw": "camera raws with an embedded preview (14)",
    "photo": "requests of one job to the bucket, by format, and what R2 takes for them",
    "photo_rows": "what one photo leaves in the database",
    "moved": "bytes through the consumer (16)",
    "memory": "memory of consumer and image workers (20)",
    "state_machine": "no-op jobs beside procrastinate (17)",
    "end_to_end": "whole jobs against an S3 server 30 ms away, beside a naive worker (15, 32)",
    "pickup": "from a submit until its job starts in another process, beside procrastinate and pgqueuer (25)",
    "pressure": "a pinned xmin, no statistics, 100,000 cycles, a long history, readers, beside the same (27)",
    "chaos": "a server that restarts, connections cut, processes killed and stopped, beside the same (28)",
    "migrations": "how long each migration stops readers and writers, a million jobs and files",
    "scale": "claim, submit and sweep on millions of finished jobs, 32 consumers (27)",
    "api": "the API under eight clients while a consumer works (19)",
}
"""Module and what it measures."""


def main(names: list[str]) -> None:
    unknown = set(names) - BENCHES.keys()
    if unknown:
        sys.exit(f"bench: no bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    run, failed = Run(), list[str]()
    for name in names or BENCHES:
        try:
            run.keep(name, _measured(name))
        except Exception:  # noqa: BLE001  # the others are worth having
            traceback.print_exc()
            failed.append(name)
    held = [one.held for one in run.figures() if one.held is not None]
    print(f"\n{held.count(True)} targets held, {held.count(False)} missed; see {run.path}")
    if failed:
        sys.exit(f"bench: could not measure {', '.join(failed)}; the reasons are above")


def _measured(name: str) -> list[Figure]:
    measure: Callable[[], Awaitable[list[Figure]]] = importlib.import_module(f"bench.{name}").measure
    started = time.perf_counter()
    print(f"\n{name}: {BENCHES[name]}", flush=True)
    figures = asyncio.run(_awaited(measure))
    for figure in figures:
        print(figure.line(), flush=True)
    print(f"({time.perf_counter() - started:.0f} s)", flush=True)
    return figures


async def _awaited(measure: Callable[[], Awaitable[list[Figure]]]) -> list[Figure]:
    return await measure()


main(sys.argv[1:])
