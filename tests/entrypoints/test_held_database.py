"""Another process holds the database: requests are told so, and SIGTERM ends every command all the same."""

import asyncio
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from devtools.databases import NewDatabase
from devtools.installation import Installation
from devtools.patience import PATIENCE
from devtools.seeds import seed_files, seed_order
from editqueue.adapters.bucket.local.marker import mark
from editqueue.adapters.job_store.databases import database_url
from editqueue.adapters.job_store.opening import migrate
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.entrypoints.http.auth import issue_token
from tests.entrypoints.in_process import run_here
from tests.entrypoints.test_cli_serving import running, serving

SECRET = "s" * 32
IMPATIENT = """
from editqueue.adapters.job_store.databases import database

database.GROUP_SECONDS = 1.0
"""
"""Python runs this before the command: a group of statements waits a tenth of its usual time."""
ENOUGH = 8
"""Seconds from SIGTERM to the end, with the second of a group and the start of a slow machine's threads in it."""


@pytest.fixture(name="url")
def _url(new_database: NewDatabase) -> str:
    return new_database()


@pytest.fixture(name="here")
def _here(tmp_path: Path, url: str) -> Installation:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "sitecustomize.py").write_text(IMPATIENT)
    settings = {"EDITQUEUE_DATABASE_URL": url, "JWT_SECRET": SECRET, "PYTHONPATH": str(tmp_path / "first")}
    made = Installation(tmp_path / "data", settings)
    mark(made.bucket)
    return made


@contextmanager
def held(url: str) -> Generator[None]:
    """SQLite's write lock, PostgreSQL's tables: nobody else writes meanwhile."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            yield
        return
    with psycopg.connect(url) as session:
        session.execute("LOCK TABLE edit_jobs, files")
        yield


def file_of_anna(url: str) -> str:
    async def seed() -> str:
        store = await open_store(url)
        [file] = await seed_files(store, await seed_order(store), 1)
        await store.close()
        return file.id

    return asyncio.run(seed())


def ended(process: subprocess.Popen[str]) -> float:
    """The seconds from SIGTERM to the end, which is a good one."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert all(line.startswith("{") for line in errors.splitlines()), errors
    return time.monotonic() - begun


def until_it_listens(process: subprocess.Popen[str]) -> None:
    """Before that, SIGTERM ends a process as it ends any."""
    ready = 1 << (signal.SIGTERM - 1)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
        if caught is not None and int(caught[1], 16) & ready:
            return
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"it never listened: {process.communicate()}")


def until_said(process: subprocess.Popen[str], word: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return
    raise AssertionError(f"the log ended without {word}")


def test_a_consumer_ends_while_the_database_is_held(here: Installation, url: str) -> None:
    with held(url), running(here, "consume") as consumer:
        until_it_listens(consumer)
        until_said(consumer, "storage_unavailable")

        assert ended(consumer) < ENOUGH


def test_serve_answers_503_and_ends_while_the_database_is_held(here: Installation, url: str) -> None:
    file_id = file_of_anna(url)
    token = issue_token("anna", secret=SECRET, now=datetime.now(UTC), ttl=timedelta(hours=1))
    with serving(here) as (server, base), held(url):
        answers = [
            httpx.post(
                f"{base}/api/files/bulk-mark",
                json={"ids": [file_id], "marked": True},
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=PATIENCE,
            )
            for _ in range(2)
        ]

        assert ended(server) < ENOUGH

    assert [answer.status_code for answer in answers] == [503, 503], [answer.text for answer in answers]
    assert all(answer.headers["Retry-After"] for answer in answers)


def test_a_migration_says_who_keeps_it_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(migrate, "OTHERS_MS", 100)
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=WAL")
    settings = {"EDITQUEUE_DATABASE_URL": f"sqlite:///{path}", "JWT_SECRET": SECRET}

    with held(f"sqlite:///{path}"):
        complaint = run_here(monkeypatch, capsys, "migrate", settings).complaint()

    assert database_url.NAME in complaint
    assert "another process holds it" in complaint
