"""The version before and this one work on one database, whichever of their two schemas it has."""

import asyncio
import json
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.databases import KINDS, empty_database
from devtools.installation import Installation
from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene
from devtools.seeds import seed_order
from editqueue.adapters.job_store.opening.open_store import open_database, open_store
from editqueue.adapters.job_store.opening.revisions import read_schema
from editqueue.entrypoints.http.auth import issue_token
from tests.upgrades.programs import Program, previous_version, version_after

SECRET = "s" * 32
PHOTO = encoded(scene(320, 240))


@dataclass(frozen=True, kw_only=True, slots=True)
class Versions:
    """On one database and one bucket."""

    url: str
    older: Installation
    newer: Installation
    revisions: tuple[str, str]
    """Of the older and the newer one."""

    @contextmanager
    def shop(self, program: Installation) -> Generator["Shop"]:
        """Anna's browser, whose requests `program` answers."""
        order_id = asyncio.run(self._new_order())
        token = issue_token("anna", secret=SECRET, now=datetime.now(UTC), ttl=timedelta(hours=1))
        log = program.folder.with_name("serve.log")
        with (
            log.open("wb") as written,
            program.start("serve", "--no-consumer", "--port", "0", stderr=written) as server,
        ):
            try:
                assert server.stdout is not None
                url = server.stdout.readline().split()[2]
                sign_in = {"Authorization": f"Bearer {token}"}
                with httpx.Client(base_url=url, headers=sign_in, timeout=PATIENCE, trust_env=False) as http:
                    yield Shop(http=http, order_id=order_id)
            finally:
                server.terminate()

    async def _new_order(self) -> str:
        store = await open_store(self.url)
        try:
            return (await seed_order(store)).id
        finally:
            await store.close()

    def revision(self) -> str | None:
        """Of the schema."""
        return asyncio.run(self._revision())

    async def _revision(self) -> str | None:
        database = open_database(self.url)
        try:
            return (await database.with_connection(read_schema)).revision
        finally:
            await database.close()


@pytest.fixture(scope="module", name="programs")
def _programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Program]:
    """Unpacked once: Python compiles what it imports first."""
    folder = tmp_path_factory.mktemp("programs")
    previous = previous_version(folder / "previous")
    return previous, version_after(previous, folder / "this")


@pytest.fixture(params=KINDS, name="versions")
def _versions(request: pytest.FixtureRequest, programs: tuple[Program, Program], tmp_path: Path) -> Iterator[Versions]:
    """With the older one's schema."""
    previous, this = programs
    with empty_database(request.param, tmp_path) as url:
        settings = {"EDITQUEUE_DATABASE_URL": url, "JWT_SECRET": SECRET}
        older, newer = (program.at(tmp_path / "data", settings) for program in programs)
        assert older.run("migrate").code == 0
        yield Versions(url=url, older=older, newer=newer, revisions=(previous.newest, this.newest))


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    http: httpx.Client
    order_id: str

    def uploaded(self, count: int) -> list[str]:
        ids = [self._uploaded(number) for number in range(count)]
        assert self.http.post("/api/files/bulk-mark", json={"ids": ids, "marked": True}).status_code == 200
        return ids

    def _uploaded(self, number: int) -> str:
        wish = {"filename": f"IMG_{number}.JPG", "mime": "image/jpeg", "order_id": self.order_id}
        grant = self.http.post("/api/uploads/intent", json=wish).json()
        assert httpx.put(grant["signed_url"], content=PHOTO, headers=grant["headers"], trust_env=False).is_success
        done = {"object_key": grant["object_key"], "bytes": len(PHOTO)}
        return self.http.post("/api/uploads/finalize", json=done).json()["file_id"]

    def submit(self, ids: list[str]) -> None:
        answer = self.http.post(f"/api/orders/{self.order_id}/submit-edits", json={"files": ids})
        assert answer.status_code == 201, answer.text

    def status(self) -> dict[str, int]:
        return self.http.get(f"/api/orders/{self.order_id}/status").json()

    def wait(self, *, done: int) -> None:
        ends = time.monotonic() + PATIENCE
        while self.status()["done"] < done:
            assert time.monotonic() < ends, self.status()
            threading.Event().wait(0.05)


@contextmanager
def consuming(program: Installation, log: Path) -> Generator[None]:
    with log.open("wb") as written, program.start("consume", stderr=written) as process:
        try:
            yield
        finally:
            process.terminate()


def told(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def test_on_the_older_schema_each_finishes_what_the_other_was_sent(versions: Versions) -> None:
    assert '"schema_is_older"' in sent_to_one_and_finished_by_the_other(versions, versions.older, versions.newer)
    sent_to_one_and_finished_by_the_other(versions, versions.newer, versions.older)

    assert versions.revision() == versions.revisions[0]


def test_on_the_newer_schema_each_finishes_what_the_other_was_sent_so_that_one_can_go_back(versions: Versions) -> None:
    assert versions.newer.run("migrate").code == 0

    assert '"schema_is_newer"' in sent_to_one_and_finished_by_the_other(versions, versions.newer, versions.older)
    sent_to_one_and_finished_by_the_other(versions, versions.older, versions.newer)

    assert versions.older.run("migrate").out.split()[-1] == versions.revisions[1]


def sent_to_one_and_finished_by_the_other(versions: Versions, sent: Installation, finishes: Installation) -> str:
    """What the one that finishes says on stderr."""
    with versions.shop(sent) as anna:
        anna.submit(anna.uploaded(1))
        drained = finishes.run("consume", "--drain")
        assert drained.code == 0, drained.err
        assert anna.status()["done"] == 1, drained.err
    return drained.err


def test_a_migration_while_both_work_costs_no_attempt(versions: Versions, tmp_path: Path) -> None:
    logs = tmp_path / "older.log", tmp_path / "newer.log"
    with versions.shop(versions.older) as anna, consuming(versions.older, logs[0]), consuming(versions.newer, logs[1]):
        ids = anna.uploaded(12)
        anna.submit(ids[:4])
        anna.wait(done=4)
        anna.submit(ids[4:8])
        assert versions.newer.run("migrate").code == 0
        anna.submit(ids[8:])
        anna.wait(done=12)

    lines = [line for log in logs for line in told(log)]
    assert [line["result"] for line in lines if line["event"] == "attempt"] == ["done"] * 12
    assert {line["event"] for line in lines} <= {"attempt", "transition", "schema_is_older"}
    assert versions.revision() == versions.revisions[1]
