"""Promise 20: memory of a consumer with its image workers, on large sound files and on hostile ones."""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from bench.figures import Figure
from bench.pictures import avif_12_mp, heic_12_mp, hif_12_mp, jpeg_45_mp
from devtools.installation import Installation
from devtools.pictures.bombs import blank_png, make_bombs
from devtools.seeds import seed_files, seed_order, submit
from devtools.storage import folder_readers
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.domain.errors import NoToolForFormat, PermanentError

EACH = 6
MB = 1_000_000


async def measure() -> list[Figure]:
    large = {"45 MP JPEGs": jpeg_45_mp(), "12 MP HEICs": heic_12_mp(), "12 MP HIFs": hif_12_mp(),
             "12 MP HIFs without a copy": hif_12_mp(copy=False), "12 MP AVIFs": avif_12_mp()}  # fmt: skip
    figures: list[Figure] = []
    for name, body in large.items():
        peak = await _peak(body)
        figures.append(
            Figure(
                promise=20, what=f"consumer with worker, {EACH} {name}: peak", measured=peak / MB, target=300, unit="MB"
            )
        )
    return [*figures, *await _hostile({**make_bombs(), "100 MP, interlaced": blank_png(9_900)})]


async def _peak(body: bytes) -> float:
    """Of the sum over all processes, memory they share counted once (PSS)."""
    with tempfile.TemporaryDirectory() as folder:
        here = Installation(Path(folder))
        store = await here.open_store()
        files = await seed_files(store, await seed_order(store), EACH, size=len(body))
        for file in files:
            path = here.bucket / file.object_key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        await submit(store, files)
        await store.close()
        consumer = here.start("consume", "--drain")
        watching = asyncio.to_thread(_watch, consumer)
        (_, err), peak = await asyncio.gather(asyncio.to_thread(consumer.communicate), watching)
        assert err.count('"result": "done"') == EACH, err
        return peak


def _watch(consumer: "subprocess.Popen[str]") -> float:
    peak, root = 0.0, psutil.Process(consumer.pid)
    while consumer.poll() is None:
        peak = max(peak, _together(root))
        time.sleep(0.01)
    return peak


def _together(root: psutil.Process) -> float:
    total = 0.0
    try:
        for one in (root, *root.children(recursive=True)):
            total += one.memory_full_info().pss
    except psutil.Error:  # one of them has just ended
        return 0.0
    return total


async def _hostile(bombs: Mapping[str, bytes]) -> list[Figure]:
    """What the worst of them took; each must end as the file's own fault."""
    with tempfile.TemporaryDirectory() as folder:
        pool = WorkerPool(folder_readers(Path(folder)))
        slowest, largest = 0.0, 0.0
        for name, body in bombs.items():
            Path(folder, name).write_bytes(body)
            watching = asyncio.create_task(_largest_child())
            started = time.monotonic()
            with suppress(PermanentError, NoToolForFormat):
                await pool.make_preview(name)
            slowest = max(slowest, time.monotonic() - started)
            watching.cancel()
            largest = max(largest, _SEEN[0])
        await pool.close()
    named = f"{len(bombs)} hostile files"
    return [
        Figure(promise=20, what=f"{named}: peak of a worker", measured=largest / 2**30, target=1.5, unit="GiB"),
        Figure(promise=20, what=f"{named}: slowest", measured=slowest, target=30, unit="s"),
    ]


_SEEN = [0.0]


async def _largest_child() -> None:
    _SEEN[0] = 0.0
    me = psutil.Process()
    while True:
        for one in me.children(recursive=True):
            try:
                _SEEN[0] = max(_SEEN[0], one.memory_info().rss)
            except psutil.Error:
                continue
        await asyncio.sleep(0.02)
