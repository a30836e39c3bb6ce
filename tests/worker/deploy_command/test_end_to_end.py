"""The command as it is started, with the real wrangler, on a stand-in of the API and the Worker in its runtime."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.cloudflare.rollout.parts import PARTS
from devtools.cloudflare.host import Cloudflare
from devtools.cloudflare.installation import DEPLOY, node
from devtools.cloudflare_account.d1 import Execute, Rows, split
from devtools.cloudflare_account.server import Account, cloudflare_account
from devtools.patience import PATIENCE
from tests.worker.deploy_command.conftest import TLS, Command, checkout, state

THEIRS = ("sqlite_", "_cf_")
"""Tables of SQLite and of D1 itself."""


def d1_of(cloudflare: Cloudflare) -> Execute:
    def execute(statements: Sequence[tuple[str, Sequence[object]]]) -> list[Rows]:
        asked = [{"sql": sql, "params": list(params)} for sql, params in statements]
        body = {"database": "DB", "statements": asked}
        answer = httpx.post(f"{cloudflare.gateway}/__test/d1", json=body, timeout=PATIENCE, verify=TLS)
        if not answer.is_success:
            raise sqlite3.OperationalError(answer.json()["error"])
        return [result["results"] for result in answer.json()]

    return execute


def empty(execute: Execute) -> None:
    [tables] = execute([("SELECT name FROM sqlite_master WHERE type = 'table'", ())])
    names = [table["name"] for table in tables if not table["name"].startswith(THEIRS)]
    execute([("PRAGMA defer_foreign_keys = ON", ()), *((f"DROP TABLE {name}", ()) for name in names)])


@pytest.fixture
def database(cloudflare: Cloudflare) -> Iterator[Execute]:
    """The D1 that the running Worker has: empty, and afterwards as it was for other tests."""
    execute = d1_of(cloudflare)
    empty(execute)
    yield execute
    empty(execute)
    scripts = [path.read_text(encoding="utf-8") for path in sorted((DEPLOY / "migrations").glob("*.sql"))]
    execute([(sql, ()) for script in scripts for sql in split(script)])


@pytest.fixture
def real(cloudflare: Cloudflare, database: Execute) -> Iterator[Account]:
    def remove(key: str) -> None:
        httpx.post(f"{cloudflare.gateway}/__test/remove", json={"keys": [key]}, verify=TLS).raise_for_status()

    with cloudflare_account() as account:
        account.d1.new_database = lambda: database
        account.r2.remove = remove
        yield account
    assert (account.unknown, account.rejected) == ([], [])


class Started:
    """Each call is the command in a process of its own."""

    def __init__(self, folder: Path, account: Account, cloudflare: Cloudflare) -> None:
        self.folder = folder
        self.account = account
        self.secrets = {"JWT_SECRET": cloudflare.settings["JWT_SECRET"]}
        self.url = cloudflare.gateway

    def __call__(self, *arguments: str, kill_after: str | None = None) -> tuple[int, str]:
        """The exit code, and what was said."""
        with subprocess.Popen(
            [sys.executable, "-m", "deploy.cloudflare.rollout", "--url", self.url, *arguments],
            cwd=self.folder,
            env={**os.environ, **self.account.environment, **self.secrets},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:

            def kill(change: str) -> None:
                if change == kill_after:
                    os.killpg(process.pid, signal.SIGKILL)

            self.account.after_change = kill
            said, _ = process.communicate()
        return process.returncode, said


def test_from_an_empty_account_to_a_preview_and_nothing_to_do_afterwards(
    real: Account, cloudflare: Cloudflare, tmp_path: Path
) -> None:
    node()
    run = Started(checkout(tmp_path).root, real, cloudflare)

    assert run(kill_after="PUT /workers/scripts/editqueue")[0] == -signal.SIGKILL
    code, said = run()

    assert code == 0, said
    assert "deploy the Worker editqueue" in said
    assert "its preview was there after" in said
    assert said.endswith(f"the edit queue answers at {cloudflare.gateway}\n")
    [link] = [line.rpartition(" ")[2] for line in said.splitlines() if line.startswith("look at it")]
    assert httpx.get(link, verify=TLS).content.startswith(b"\xff\xd8")
    assert run("--remove-trial") == (0, "the trial's order is removed\n")
    assert httpx.post(f"{cloudflare.gateway}/__test/list", json={}, verify=TLS).json() == []
    real.changes.clear()
    assert run() == (0, f"nothing to do\nthe edit queue answers at {cloudflare.gateway}\n")
    assert real.changes == []
    files = real.workers.scripts["editqueue"].deployed.files
    assert {"python_modules/editqueue/entrypoints/cloudflare.py", "python_modules/sqlalchemy/__init__.pyc"} <= set(
        files
    )
    assert without_tables(state(real)) == without_tables(state(as_in_other_tests(tmp_path / "other", run.secrets)))


def as_in_other_tests(folder: Path, secrets: dict[str, str]) -> Account:
    """An account in which the calls of wrangler were made without wrangler."""
    with cloudflare_account() as account:
        command = Command(account, checkout(folder), environment=secrets)
        with command.opened() as deployment:
            for part in PARTS:
                for difference in part(deployment):
                    assert difference.mend is not None
                    difference.mend()
    return account


def without_tables(held: dict[str, Any]) -> dict[str, Any]:
    """D1 itself keeps some beside ours."""
    name, jurisdiction, (_, migrations, orders) = held["database"]
    return {**held, "database": (name, jurisdiction, migrations, orders)}
