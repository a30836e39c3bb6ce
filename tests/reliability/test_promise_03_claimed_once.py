"""Promise 3: sixteen processes at one database run every job once and never stumble over each other."""

import asyncio
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from editqueue.adapters.job_store import open_store
from tests.reliability.size import sized
from tests.seeds import seed_files, seed_order, submit

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(120, 3600))]
PROCESSES = 16
JOBS = sized(320, 10_000)
BATCH = 160
"""Files of one order; submit takes at most 1,000 at a time."""
ROOT = Path(__file__).parents[2]


async def _run(url: str) -> tuple[list[str], str, int | None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.reliability.claiming_consumer",
        url,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return out.decode().splitlines(), err.decode(), process.returncode


async def test_executions_are_jobs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    store = await open_store(url, migrate=True)
    for _ in range(0, JOBS, BATCH):
        files = await seed_files(store, await seed_order(store), min(BATCH, JOBS))
        await submit(store, files, now=datetime(2026, 1, 1, tzinfo=UTC))

    answers = await asyncio.gather(*(_run(url) for _ in range(PROCESSES)))

    census = await store.census(now=datetime.now(UTC))
    notes = await store.notifications("anna", limit=JOBS + 1, before_id=None)
    await store.close()
    assert [(err, code) for _, err, code in answers] == [("", 0)] * PROCESSES
    runs = Counter(line for lines, _, _ in answers for line in lines)
    total = sum(runs.values())
    assert total == len(runs) == census.jobs["done"] == len(notes)
    assert {line.split()[1] for line in runs} == {"done"}
    assert total >= JOBS
    assert sum(bool(lines) for lines, _, _ in answers) > 1, "one process did everything"
