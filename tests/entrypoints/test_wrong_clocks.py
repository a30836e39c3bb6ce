"""A consumer whose machine tells a wrong time: it works by the database's, takes nothing away and deletes nothing."""

import asyncio
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devtools.databases import NewDatabase
from devtools.installation import Installation
from devtools.patience import PATIENCE
from devtools.seeds import claim, seed_files, seed_order, submit
from editqueue.adapters.bucket.local.marker import mark
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.files import File
from editqueue.domain.jobs import EditJob
from editqueue.ports.job_store import JobQuery
from tests.entrypoints.test_cli_serving import running

SECRET = "s" * 32
WRONG = """
import os, time
from datetime import timedelta
from editqueue.adapters.job_store.databases.engine import EngineDatabase
from editqueue.domain.errors import StorageUnavailable
from editqueue.wiring.system_clock import SystemClock

off = float(os.environ["OFF"])
right_time, right_now = time.time, SystemClock.now
time.time = lambda: right_time() + off
SystemClock.now = lambda clock: right_now(clock) + timedelta(seconds=off)

unanswered, right_probe = int(os.environ["UNANSWERED"]), EngineDatabase.probe

async def probe(database):
    global unanswered
    unanswered -= 1
    if unanswered >= 0:
        raise StorageUnavailable("away")
    return await right_probe(database)

EngineDatabase.probe = probe
"""
"""Python runs this before the command: what the machine tells is OFF seconds ahead, and the database leaves the
first UNANSWERED probes without an answer."""


@pytest.fixture(name="url")
def _url(new_database: NewDatabase) -> str:
    return new_database()


def off_by(folder: Path, url: str, off: timedelta, *, unanswered: int) -> Installation:
    (folder / "first").mkdir()
    (folder / "first" / "sitecustomize.py").write_text(WRONG)
    settings = {
        "EDITQUEUE_DATABASE_URL": url,
        "JWT_SECRET": SECRET,
        "PYTHONPATH": str(folder / "first"),
        "OFF": str(off.total_seconds()),
        "UNANSWERED": str(unanswered),
    }
    made = Installation(folder / "data", settings)
    mark(made.bucket)
    return made


async def job_of(file: File, store: SqlStore) -> EditJob:
    return next(job for job in await store.jobs(JobQuery()) if job.file_id == file.id)


async def until_failed(file: File, store: SqlStore) -> EditJob:
    """A job without an original ends at once, when somebody works on it."""
    async with asyncio.timeout(PATIENCE):
        while (job := await job_of(file, store)).status != "failed":  # noqa: ASYNC110  # another process makes it so
            await asyncio.sleep(0.05)
    return job


async def done_long_ago(store: SqlStore, file: File, *, age: timedelta) -> None:
    finished = datetime.now(UTC) - age
    await submit(store, [file], now=finished)
    await store.finish(await claim(store, now=finished), preview_url="r2://b/k", bytes_copied=1, now=finished)


@pytest.mark.parametrize(
    ("off", "unanswered"),
    [(-timedelta(hours=1), 0), (timedelta(hours=2), 0), (timedelta(hours=2), 2), (timedelta(days=91), 0)],
)
async def test_a_consumer_works_at_once_rescues_nothing_that_lives_and_retires_nothing_young(
    tmp_path: Path, url: str, off: timedelta, unanswered: int
) -> None:
    here = off_by(tmp_path, url, off, unanswered=unanswered)
    store = await open_store(url)
    running_file, young, queued = await seed_files(store, await seed_order(store), 3)
    await done_long_ago(store, young, age=timedelta(days=1))
    await submit(store, [running_file], now=datetime.now(UTC))
    held = await claim(store, now=datetime.now(UTC))
    await submit(store, [queued], now=datetime.now(UTC))

    begun = datetime.now(UTC)
    with running(here, "consume") as consumer:
        job = await until_failed(queued, store)
        said = await asyncio.to_thread(skew_said_by, consumer)

    assert job.started_at is not None
    assert begun - timedelta(seconds=1) < job.started_at < datetime.now(UTC) + timedelta(seconds=1)
    assert (await job_of(running_file, store)).token == held.job.token
    [after] = await store.files([young.id])
    assert after.preview_url == "r2://b/k"
    assert abs(said - off.total_seconds()) < 5
    await store.close()


def skew_said_by(consumer: subprocess.Popen[str]) -> float:
    assert consumer.stderr is not None
    for line in consumer.stderr:
        told = json.loads(line)
        if told["event"] == "clock_skew":
            return float(told["seconds"])
    raise AssertionError("the log ended without a word on the clock")
