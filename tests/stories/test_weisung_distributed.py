"""The Weisung's integration tests again, with nothing faked but Cloudflare itself.

PostgreSQL, an S3 server, the stand-in of Cloudflare Queues, `editqueue serve --no-consumer`, four `editqueue consume`,
real photos and real image workers. All of them are processes of their own.
"""

import asyncio
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from devtools.distributed import ConsumerProcess, attempts, consumers, engines
from devtools.installation import Installation
from devtools.patience import PATIENCE
from devtools.pictures.samples import decoded, encoded, scene
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.adapters.job_store.opening.open_store import open_store
from editqueue.domain.keys import ObjectKeys
from editqueue.entrypoints.http.auth import issue_token
from editqueue.ports.job_store import Claim

pytestmark = pytest.mark.timeout(240)
CONSUMERS = 4
ROUNDS = 3
"""On a machine that is busy with others, the first consumer may have done all before the next one gets its turn."""
Files = list[dict[str, object]]


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Anna's browser; everything behind it is somewhere else."""

    http: httpx.Client
    here: Installation
    consumers: Sequence[ConsumerProcess]
    bucket: S3Bucket
    database_url: str
    order_id: str = ""

    def order_with_marked(self, count: int) -> tuple["Shop", list[str]]:
        made = replace(self, order_id=self.here.run("order", "create", "--user-id", "anna").json()["order_id"])
        ids = [made.upload(f"IMG_{number}.JPG", photo(number)) for number in range(count)]
        assert self.http.post("/api/files/bulk-mark", json={"ids": ids, "marked": True}).status_code == 200
        return made, ids

    def upload(self, name: str, body: bytes) -> str:
        wish = {"filename": name, "mime": "image/jpeg", "order_id": self.order_id}
        grant = self.http.post("/api/uploads/intent", json=wish).json()
        put = httpx.put(grant["signed_url"], content=body, headers=grant["headers"], trust_env=False)
        assert put.status_code == 200
        done = {"object_key": grant["object_key"], "bytes": len(body)}
        return self.http.post("/api/uploads/finalize", json=done).json()["file_id"]

    def submit_edits(self, ids: list[str]) -> httpx.Response:
        return self.http.post(f"/api/orders/{self.order_id}/submit-edits", json={"files": ids})

    def status(self) -> dict[str, int]:
        return self.http.get(f"/api/orders/{self.order_id}/status").json()

    def files(self) -> Files:
        return self.http.get(f"/api/orders/{self.order_id}/files").json()["files"]

    def notes(self) -> Files:
        items = self.http.get("/api/notifications?limit=200").json()["items"]
        return [one for one in items if one["order_id"] == self.order_id]

    def wait(self, **expected: int) -> None:
        """Until the order's status says so."""
        ends = time.monotonic() + PATIENCE
        while not expected.items() <= self.status().items():
            assert time.monotonic() < ends, (self.status(), [one.log.read_text()[-2000:] for one in self.consumers])
            threading.Event().wait(0.1)

    @contextmanager
    def consumers_stopped(self) -> Generator[None]:
        for one in self.consumers:
            one.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for one in self.consumers:
                one.process.send_signal(signal.SIGCONT)


def photo(number: int) -> bytes:
    return encoded(scene(1600 + 10 * number, 1200))


@pytest.fixture(scope="module", name="shop")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("distributed")
    with engines(folder) as settings:
        here = Installation(folder / "data", settings)
        assert here.run("migrate").code == 0
        with consumers(here, CONSUMERS, folder) as running, _serving(here, settings["JWT_SECRET"]) as http:
            client = S3Client(
                bucket=urlsplit(settings["EDITQUEUE_BUCKET_URL"]).netloc,
                endpoint=settings["EDITQUEUE_S3_ENDPOINT"],
                access_key_id=settings["R2_ACCESS_KEY_ID"],
                secret_access_key=settings["R2_SECRET_ACCESS_KEY"],
            )
            bucket = S3Bucket(client, clock=Now(), system=Now())
            yield Shop(
                http=http, here=here, consumers=running, bucket=bucket, database_url=settings["EDITQUEUE_DATABASE_URL"]
            )


@contextmanager
def _serving(here: Installation, secret: str) -> Generator[httpx.Client]:
    token = issue_token("anna", secret=secret, now=datetime.now(UTC), ttl=timedelta(hours=1))
    with here.start("serve", "--no-consumer", "--port", "0") as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[2]
        try:
            sign_in = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=url, headers=sign_in, timeout=PATIENCE, trust_env=False) as http:
                yield http
        finally:
            server.terminate()


def test_1_submit_edits_erzeugt_jobs(shop: Shop) -> None:
    with shop.consumers_stopped():
        shop, ids = shop.order_with_marked(3)
        answer = shop.submit_edits(ids)
        again = shop.submit_edits(ids)

        assert (answer.status_code, again.status_code) == (201, 201)
        jobs = answer.json()["jobs"]
        assert [one["file_id"] for one in jobs] == ids
        assert [one["id"] for one in again.json()["jobs"]] == [one["id"] for one in jobs]
        assert shop.status() == {"queued": 3, "in_progress": 0, "done": 0, "failed": 0, "total": 3}
    shop.wait(done=3)


async def _objects(shop: Shop, files: Files) -> list[tuple[bool, int, str | None]]:
    found: list[tuple[bool, int, str | None]] = []
    for file in files:
        keys = ObjectKeys.from_raw(str(file["object_key"]))
        same = await shop.bucket.read(keys.raw) == await shop.bucket.read(keys.processed)
        preview = decoded(await shop.bucket.read(keys.preview))
        found.append((same, max(preview.size), (await shop.bucket.head(keys.preview)).content_type))
    return found


def test_2_vier_consumer_verarbeiten_12_dateien_status_done_previews_vorhanden(shop: Shop) -> None:
    rounds = [_twelve_files(shop) for _ in range(ROUNDS)]

    assert any(sum(count > 0 for count in worked) > 1 for worked in rounds), f"one consumer did it all: {rounds}"


def _twelve_files(shop: Shop) -> list[int]:
    """How many each consumer has done."""
    before = [attempts(one.log) for one in shop.consumers]
    with shop.consumers_stopped():
        shop, ids = shop.order_with_marked(12)
        shop.submit_edits(ids)

    shop.wait(done=12)

    assert shop.status() == {"queued": 0, "in_progress": 0, "done": 12, "failed": 0, "total": 12}
    files = shop.files()
    assert {(one["status"], one["locked"]) for one in files} == {("done", False)}
    assert asyncio.run(_objects(shop, files)) == [(True, 1280, "image/jpeg")] * 12
    assert [one["type"] for one in shop.notes()] == ["edit_done"] * 12
    worked = [attempts(one.log) - some for one, some in zip(shop.consumers, before, strict=True)]
    assert sum(worked) == 12
    return worked


def test_3_preview_liefert_url_http_200(shop: Shop) -> None:
    shop, [file_id] = shop.order_with_marked(1)
    assert shop.http.get(f"/api/files/{file_id}/preview").status_code == 404
    shop.submit_edits([file_id])
    shop.wait(done=1)

    answer = shop.http.get(f"/api/files/{file_id}/preview")
    picture = httpx.get(answer.json()["url"], trust_env=False)

    assert answer.status_code == 200
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert decoded(picture.content).size == (1280, 960)


def test_4_fehlendes_raw_job_failed_notification_revision_required(shop: Shop) -> None:
    shop, ids = shop.order_with_marked(2)
    [gone, there] = shop.files()
    asyncio.run(shop.bucket.delete([str(gone["object_key"])]))
    jobs = {one["file_id"]: one["id"] for one in shop.submit_edits(ids).json()["jobs"]}

    shop.wait(done=1, queued=1)
    ended = _ended_job(shop, jobs[str(gone["id"])])

    assert str(ended["error"]).startswith("raw_missing")
    [file] = [one for one in shop.files() if one["id"] == gone["id"]]
    assert (file["status"], file["locked"]) == ("queued", False)
    notes = {one["file_id"]: one["type"] for one in shop.notes()}
    assert notes == {gone["id"]: "revision_required", there["id"]: "edit_done"}


def _ended_job(shop: Shop, job_id: str) -> dict[str, object]:
    ends = time.monotonic() + PATIENCE
    while True:
        job = shop.here.run("jobs", "show", job_id, "--json").json()
        if job["status"] == "failed":
            return job
        assert time.monotonic() < ends, job


async def _claim(url: str) -> Claim:
    store = await open_store(url)
    taken = await store.claim_next(now=datetime.now(UTC))
    await store.close()
    assert taken is not None
    return taken


async def _hand_back(url: str, taken: Claim) -> None:
    store = await open_store(url)
    await store.release(taken, now=datetime.now(UTC))
    await store.close()


def test_5_delete_waehrend_lock_409(shop: Shop) -> None:
    """The test is the fifth consumer: it holds the job as long as it likes, then gives it back to the other four."""
    with shop.consumers_stopped():
        shop, ids = shop.order_with_marked(2)
        shop.submit_edits(ids[:1])
        taken = asyncio.run(_claim(shop.database_url))

        refused = shop.http.request("DELETE", "/api/files/bulk", json={"ids": ids})

        assert (refused.status_code, refused.json()["code"]) == (409, "file_locked")
        assert len(shop.files()) == 2
        asyncio.run(_hand_back(shop.database_url, taken))
    shop.wait(done=1)
    deleted = shop.http.request("DELETE", "/api/files/bulk", json={"ids": ids})
    assert (deleted.status_code, shop.files()) == (200, [])


@pytest.mark.timeout(300)
def test_run_distributed_shows_it_all_in_one_command(tmp_path: Path) -> None:
    """`make run-distributed ARGS="--exit FOLDER"`, with two consumers more."""
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(encoded(scene(400, 300 + number)))

    ended = subprocess.run(
        [sys.executable, "-m", "devtools.distributed", "--exit", "--port", "0", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("│ done") == 3
    assert "EDITQUEUE_DATABASE_URL=postgresql://" in ended.stdout
    assert "EDITQUEUE_BUCKET_URL=s3://" in ended.stdout
    assert "EDITQUEUE_QUEUE=cloudflare" in ended.stdout
    [shares] = re.findall(r"^Of 3 attempts at jobs, .*", ended.stdout, flags=re.MULTILINE)
    assert sum(map(int, re.findall(r"made (\d)", shares))) == 3
    assert "/objects/" not in ended.stdout
    assert "/review#token=" not in ended.stdout
    assert "X-Amz-Signature" not in ended.stdout
