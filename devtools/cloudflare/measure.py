"""`make measure-worker`: how large the Worker is, and what starting it and its first work cost, as one JSON document.

A figure beside a bound of its own is wanted to stay within it. CPU seconds depend on the machine; what they would be
`where_bounds_were_set` follows from how long an empty Worker takes here and there.
"""

import asyncio
import gzip
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from deploy.cloudflare.rollout.project import read_template
from devtools.cloudflare.bare_workerd import EMPTY_MAIN, BareWorker, Cost, bare_worker
from devtools.cloudflare.host import Cloudflare, cloudflare, make_snapshot, settings
from devtools.cloudflare.installation import DEPLOY, HERE, Installed, installed_worker
from devtools.cloudflare.isolate import Isolate, isolate
from devtools.cloudflare.shop import PHOTO, Shop
from devtools.npm import NotInstalled
from editqueue.entrypoints.http.auth import issue_token

JOBS: Final = 20
STARTS: Final = 5
"""How often each Worker is started, in turn; the figure is the least, which others on the machine disturbed least."""
BOUNDS: Final[Mapping[str, float]] = {
    "upload_gzip_mb": 10,
    "import_cpu_seconds": 1.2,
    "start_from_snapshot_cpu_seconds": 0.5,
    "first_request_cpu_seconds": 0.25,
    "twenty_jobs_cpu_seconds": 1.0,
    "python_memory_mb": 70,
}
"""CPU seconds are those of the thread that runs Python; the twenty jobs count the whole process, simulators and all."""
EMPTY: Final = "start_of_an_empty_worker_cpu_seconds"
EMPTY_SECONDS: Final = 2.5
"""What an empty Worker took on the machine on which the bounds were set."""


def main() -> None:
    try:
        installed = installed_worker(make_snapshot)
    except NotInstalled as error:
        sys.exit(f"measure-worker: {error}")
    figures = {**_upload(installed.worker), **_starts(installed), **asyncio.run(_work())}
    document = {name: told(name, value, empty=figures[EMPTY]) for name, value in figures.items()}
    print(json.dumps({**document, "load": round(os.getloadavg()[0], 1)}, indent=2))


def told(name: str, value: float, *, empty: float) -> dict[str, float]:
    """One figure, as it is printed. `empty` is how long an empty Worker took here."""
    told = {"measured": round(value, 2)}
    if name.endswith("cpu_seconds"):
        told["where_bounds_were_set"] = round(value * EMPTY_SECONDS / empty, 2)
    return told | ({"bound": BOUNDS[name]} if name in BOUNDS else {})


def _upload(worker: Path) -> dict[str, float]:
    """MB as they are and compressed, as wrangler counts them: all files one after the other."""
    content = b"".join(path.read_bytes() for path in sorted(worker.rglob("*")) if path.is_file())
    return {"upload_mb": len(content) / 1e6, "upload_gzip_mb": len(gzip.compress(content, 6)) / 1e6}


def _starts(installed: Installed) -> dict[str, float]:
    main_module = (installed.worker / "worker.py").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole, empty = _bare(installed, Path(one), main_module), _bare(installed, Path(other), EMPTY_MAIN)
        whole.cost("--python-save-snapshot", f"--python-snapshot-dir={one}")
        restored = (f"--python-snapshot-dir={one}", "--python-load-snapshot=snapshot.bin")
        costs = [(empty.cost(), whole.cost(), whole.cost(*restored)) for _ in range(STARTS)]
    of_nothing, without, with_snapshot = (list(each) for each in zip(*costs, strict=True))
    return {
        EMPTY: _start(of_nothing),
        "start_cpu_seconds": _start(without),
        "import_cpu_seconds": _start(without) - _start(of_nothing),
        "start_from_snapshot_cpu_seconds": _start(with_snapshot),
        "first_request_cpu_seconds": min(cost.first_request for cost in with_snapshot),
    }


def _start(costs: list[Cost]) -> float:
    return min(cost.start for cost in costs)


def _bare(installed: Installed, folder: Path, main_module: str) -> BareWorker:
    return bare_worker(
        folder,
        workerd=HERE / "node_modules" / ".bin" / "workerd",
        options=[f"--pyodide-bundle-disk-cache-dir={installed.pyodide.folder}"],
        worker=installed.worker,
        main=main_module,
        wrangler=read_template(DEPLOY / "wrangler.jsonc"),
        flags=installed.pyodide.flags,
        settings=settings(),
    )


async def _work() -> dict[str, float]:
    """Twenty jobs submitted, delivered by the queue in batches of ten, and done; with miniflare's D1 and R2."""
    with cloudflare(faults=False) as running:
        async with isolate(running) as inside:
            memory = await inside.run("import pyodide_js; pyodide_js._module.HEAP8.length")
            cpu = await _jobs(running, inside)
            afterwards = await inside.run("import pyodide_js; pyodide_js._module.HEAP8.length")
    return {
        "twenty_jobs_cpu_seconds": cpu,
        "python_memory_mb": memory / 1e6,
        "python_memory_after_the_jobs_mb": afterwards / 1e6,
    }


async def _jobs(running: Cloudflare, inside: Isolate) -> float:
    token = issue_token("anna", secret=running.settings["JWT_SECRET"], now=datetime.now(UTC), ttl=timedelta(hours=1))
    async with running.client(headers={"Authorization": f"Bearer {token}"}) as http:
        shop = Shop(running, inside, http)
        files = await shop.order_with(*[PHOTO] * JOBS)
        counted = await shop.counted()
        [workerd] = _descendants(os.getpid(), "workerd")
        before = _cpu(workerd)
        await shop.submit(files)
        await shop.until(counted, settled=JOBS)
        taken = _cpu(workerd) - before
        assert (await shop.status(files))["done"] == JOBS
        return taken


def _descendants(pid: int, name: str) -> Iterator[int]:
    """Processes of this name that were started from here."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text(encoding="utf-8").split()):
            if Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() == name:
                yield child
            yield from _descendants(child, name)


def _cpu(pid: int) -> float:
    """CPU seconds of all threads of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
