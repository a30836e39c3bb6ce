"""Promise 22: whatever was answered survives a power cut, wherever it falls: uploads, files, jobs and their objects.

A real server is recorded by tracing.py; its writes are played again up to a cut, and the real code opens what is left.
"""

import hashlib
import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import pytest
from PIL import Image

from devtools.installation import Installation, command
from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene
from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.domain.jobs import JobStatus
from editqueue.domain.keys import ObjectKeys
from editqueue.entrypoints.http.auth import issue_token
from editqueue.ports.job_store import JobQuery
from editqueue.wiring.system_clock import SystemClock
from tests.reliability.power_cut import EVERYTHING, NOTHING_UNSYNCED, Change, Disk, half
from tests.reliability.recording import changes_in, recorded
from tests.reliability.size import FULL, sized

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(180, 1800))]
PHOTOS = 3
SAID = "image/png"
"""What the client says of its photos, *.jpg: no name leads to it, so it must be written down."""
SAMPLE = 12
"""Cuts anywhere, besides those at an answer and a commit."""


@dataclass(kw_only=True)
class Promised:
    """What was answered so far."""

    originals: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """By key."""
    files: list[str] = field(default_factory=list[str])
    jobs: list[str] = field(default_factory=list[str])
    secret: str = ""


Promise = Callable[[Promised], object]


@dataclass(kw_only=True)
class Client:
    """Asks one thing after another; `promises` are what the answers so far have promised, one each."""

    http: httpx.Client
    promises: list[Promise] = field(default_factory=list[Promise])

    def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self.http.request(method, path, **options)
        assert answer.is_success, answer.text
        self.promises.append(lambda _: None)
        return answer.json() if answer.content else None

    def upload(self, order: str, name: str, body: bytes) -> str:
        wish = {"filename": name, "mime": SAID, "order_id": order}
        intent = self.ask("POST", "/api/uploads/intent", json=wish)
        key = intent["object_key"]
        self.ask("PUT", intent["signed_url"], content=body, headers=intent["headers"])
        self.promises[-1] = lambda promised: promised.originals.update({key: body})
        done = self.ask("POST", "/api/uploads/finalize", json={"object_key": key, "bytes": len(body)})
        self.promises[-1] = lambda promised: promised.files.append(done["file_id"])
        return done["file_id"]

    def submit(self, order: str, files: Sequence[str]) -> None:
        self.ask("POST", "/api/files/bulk-mark", json={"ids": files, "marked": True})
        jobs = self.ask("POST", f"/api/orders/{order}/submit-edits", json={"files": files})["jobs"]
        self.promises[-1] = lambda promised: promised.jobs.extend(job["id"] for job in jobs)

    def wait_until_done(self, order: str) -> None:
        ends = time.monotonic() + PATIENCE
        while any(one["status"] != "done" for one in self.ask("GET", f"/api/orders/{order}/files")["files"]):
            assert time.monotonic() < ends


@dataclass(frozen=True, kw_only=True)
class Run:
    root: PurePosixPath
    changes: Sequence[Change]
    promises: Sequence[Promise]


def worked(folder: Path) -> Run:
    """An order is made, its photos are uploaded, submitted and edited; all of it is recorded."""
    here = Installation(folder / "root" / "data")
    here.folder.parent.mkdir()
    records = [folder / "order", folder / "serve"]
    made = subprocess.run(
        recorded(command(["order", "create", "--user-id", "anna"]), records[0]),
        env=here.environment, capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    client = _served(here, json.loads(made.stdout)["order_id"], records[1])
    root = PurePosixPath(here.folder.parent)
    changes = [change for record in records for change in changes_in(record, below=root)]
    assert len(client.promises) == sum(change.call == "answer" for change in changes)
    return Run(root=root, changes=changes, promises=client.promises)


def _served(here: Installation, order: str, record: Path) -> Client:
    words = recorded(command(["serve", "--port", "0"]), record)
    with subprocess.Popen(words, env=here.environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().split()[2]
            secret = (here.folder / "jwt_secret").read_text()
            token = issue_token("anna", secret=secret, now=SystemClock().now(), ttl=timedelta(hours=1))
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE) as http:
                client = Client(http=http)
                client.ask("GET", f"/api/orders/{order}/files")
                client.promises[-1] = lambda promised: setattr(promised, "secret", secret)
                bodies = [encoded(scene(160 + number, 120)) for number in range(PHOTOS)]
                files = [client.upload(order, f"{number}.jpg", body) for number, body in enumerate(bodies)]
                client.submit(order, files)
                client.wait_until_done(order)
        finally:
            _end(server)
    return client


def _end(server: subprocess.Popen[str]) -> None:
    """The tracer passes no signal on: its child gets it."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), 15)
    server.wait(PATIENCE)


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a power cut leaves, and what had been promised before."""

    cut: int
    disk: Mapping[PurePosixPath, bytes | None]
    promised: Promised

    def digest(self) -> str:
        return hashlib.sha256(repr((sorted(self.disk.items()), self.promised)).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        for path, body in self.disk.items():
            if body is None:
                (folder / path).mkdir(parents=True)
            elif not path.name.endswith("-shm"):  # SQLite makes it anew, and never reads what a cut left of it
                (folder / path).write_bytes(body)


def cuts(run: Run) -> Iterator[Left]:
    """What is left at every cut that is looked at."""
    disk, promised, answers = Disk(run.root), Promised(), iter(run.promises)
    sample = {*random.Random(1).sample(range(len(run.changes)), sized(SAMPLE, len(run.changes)))}
    for number, change in enumerate(run.changes):
        disk.apply(change)
        if change.call == "answer":
            next(answers)(promised)
        ways = [NOTHING_UNSYNCED] if FULL or _is_tight(change) else []
        ways += [EVERYTHING, half(number)] if number in sample else []
        for survives in ways:
            yield Left(cut=number, disk=disk.left(survives), promised=_copy(promised))


def _is_tight(change: Change) -> bool:
    """An answer, or the end of a commit: what was promised until now must be safe now."""
    return change.call == "answer" or (change.call == "sync ends" and change.path.name.endswith("-wal"))


def _copy(promised: Promised) -> Promised:
    return Promised(
        originals=dict(promised.originals), files=[*promised.files], jobs=[*promised.jobs], secret=promised.secret
    )


async def assert_kept(left: Left, folder: Path) -> None:
    data, promised = folder / "data", left.promised
    data.mkdir(exist_ok=True)
    if promised.secret:
        assert (data / "jwt_secret").read_text() == promised.secret
    store = await open_store(f"sqlite:///{data}/editqueue.db", migrate=True)
    bucket = LocalBucket(data / "bucket", signer=UrlSigner(secret="s" * 32, clock=SystemClock()))
    try:
        for key, body in promised.originals.items():
            assert await bucket.read(key) == body
            assert (await bucket.head(key)).content_type == SAID
        assert {file.id for file in await store.files(promised.files)} == {*promised.files}
        jobs = await store.jobs(JobQuery())
        assert {*promised.jobs} <= {job.id for job in jobs}
        for file in await store.files([job.file_id for job in jobs if job.status is JobStatus.DONE]):
            await _assert_whole(bucket, ObjectKeys.from_raw(file.object_key))
    finally:
        await store.close()


async def _assert_whole(bucket: LocalBucket, keys: ObjectKeys) -> None:
    assert await bucket.read(keys.processed) == await bucket.read(keys.raw)
    Image.open(BytesIO(await bucket.read(keys.preview))).load()
    types = [(await bucket.head(key)).content_type for key in (keys.raw, keys.processed, keys.preview)]
    assert types == [SAID, SAID, "image/jpeg"]


async def test_whatever_was_answered_survives_a_power_cut_wherever_it_falls(tmp_path: Path) -> None:
    run = worked(tmp_path)
    seen: set[str] = set()
    for left in cuts(run):
        if (digest := left.digest()) in seen:
            continue
        seen.add(digest)
        folder = tmp_path / f"cut-{len(seen)}"
        folder.mkdir()
        left.write(folder)
        try:
            await assert_kept(left, folder)
        except Exception as lost:
            raise AssertionError(
                f"lost by a power cut after {run.changes[max(0, left.cut - 3) : left.cut + 1]}"
            ) from lost
    assert len(seen) > 30
