"""`make measure-worker`: how large the Worker is and what its start costs, as one JSON document."""

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devtools.cloudflare.host import DEPLOY, Cloudflare, cloudflare, python_packages
from devtools.cloudflare.shop import PHOTO, Shop
from editqueue.entrypoints.http.auth import issue_token

JOBS = 10
HASHING = "import hashlib; hashlib.sha256(bytes(50_000_000)).hexdigest()"

NATIVE = (
    "import editqueue.wiring.cloudflare, editqueue.entrypoints.http.app, editqueue.use_cases.consumer.sweep, os;"
    "print(sum(os.times()[:2]))"
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(DEPLOY / "bundle.py"), folder], check=True)
        document: dict[str, object] = {"code": _weight(Path(folder)), "packages": _weight(python_packages())}
    native = subprocess.run([sys.executable, "-c", NATIVE], capture_output=True, text=True, check=True)
    document |= asyncio.run(_started()) | {"the_same_on_a_server_cpu_seconds": round(float(native.stdout), 2)}
    print(json.dumps(document, indent=2))


def _weight(folder: Path) -> dict[str, float]:
    """MB as they are and as a tar.gz, what Python wrote beside them left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in files:
            archive.add(path, path.relative_to(folder))
    return {
        "mb": round(sum(path.stat().st_size for path in files) / 1e6, 2),
        "gzip_mb": round(len(packed.getvalue()) / 1e6, 2),
    }


async def _started() -> dict[str, object]:
    with cloudflare() as running:
        loaded = await running.tell("loaded")
        after_import = await running.tell("heap")
        jobs = await _jobs(running)
        after_jobs = await running.tell("heap")
        hashing = await _cpu(running, running.tell("evaluate", code=HASHING))
        return {
            "import_cpu_seconds": round(loaded["import_cpu_seconds"], 2),
            "modules": len(loaded["modules"]),
            "heap_mb_after_import": round(after_import / 1e6, 1),
            "heap_mb_after_jobs": round(after_jobs / 1e6, 1),
            "cpu_seconds_a_job_with_the_gateway": round(jobs / JOBS, 3),
            "cpu_seconds_for_hashing_50_mb": round(hashing, 2),
            "load": os.getloadavg()[0],
        }


async def _jobs(running: Cloudflare) -> float:
    """CPU seconds of one cron tick with ten jobs: Python, and what stands in for the runtime around it."""
    token = issue_token("anna", secret=running.settings["JWT_SECRET"], now=datetime.now(UTC), ttl=timedelta(hours=1))
    async with running.client(headers={"Authorization": f"Bearer {token}"}) as http:
        shop = Shop(running, http)
        files = await shop.order_with(*[PHOTO] * JOBS)
        await running.tell("fault", send=1)
        await shop.submit(files)
        taken = await _cpu(running, running.tell("cron"))
        assert (await shop.status(files))["done"] == JOBS
        return taken


async def _cpu(running: Cloudflare, work: Awaitable[object]) -> float:
    before = await running.tell("cpu")
    await work
    after = await running.tell("cpu")
    return sum(after[kind] - before[kind] for kind in ("user", "system")) / 1e6


if __name__ == "__main__":
    main()
