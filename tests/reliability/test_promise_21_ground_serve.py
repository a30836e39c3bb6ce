"""Promise 21 for whoever comes through HTTP, and for clocks and lanes: crowds, halves, second uploads, wrong times."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from devtools.installation import free_port
from devtools.patience import PATIENCE
from devtools.pictures.samples import decoded, difference, encoded, scene
from devtools.seeds import claim, seed_files, seed_order, submit
from devtools.world import SECRET
from editqueue.domain.files import File
from editqueue.domain.jobs import EditJob
from editqueue.entrypoints.http.auth import issue_token
from editqueue.ports.job_store import JobQuery
from tests.reliability.audit import audit, audit_books
from tests.reliability.fates import FATES
from tests.reliability.report import Tally
from tests.reliability.running import Running, event, held, running
from tests.reliability.site import Opened, Site
from tests.reliability.size import FULL, sized

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(180, 1800))]
FILES = 256
"""Descriptors that `serve` may have open."""
CROWD = sized(400, 4000)
HALVES = 40
AGAIN = sized(3, 60)
PHOTO, OTHER = encoded(scene(640, 480)), encoded(scene(640, 480).rotate(180))
FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (FILES // 2, FILES))
from editqueue.entrypoints.cli import main
main()
"""
WRONG_TIME = """
import datetime, time
from editqueue.wiring.system_clock import SystemClock
right_time, right_now = time.time, SystemClock.now
time.time = lambda: right_time() + OFF
SystemClock.now = lambda clock: right_now(clock) + datetime.timedelta(seconds=OFF)
from editqueue.entrypoints.cli import main
main()
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    server: Running
    http: httpx.AsyncClient
    port: int

    async def post(self, path: str, **body: object) -> dict[str, Any]:
        answer = await self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def intent(self, order_id: str, name: str) -> dict[str, Any]:
        return await self.post("/api/uploads/intent", filename=name, mime="image/jpeg", order_id=order_id)

    async def uploaded(self, order_id: str, name: str) -> tuple[str, dict[str, Any]]:
        """A file of PHOTO, marked; and its upload."""
        upload = await self.intent(order_id, name)
        answer = await self.http.put(upload["signed_url"], content=PHOTO, headers=upload["headers"])
        assert answer.is_success, answer.text
        checksum = hashlib.sha256(PHOTO).hexdigest()
        made = await self.post(
            "/api/uploads/finalize", object_key=upload["object_key"], bytes=len(PHOTO), checksum=checksum
        )
        await self.post("/api/files/bulk-mark", ids=[made["file_id"]], marked=True)
        return made["file_id"], upload


@asynccontextmanager
async def served(site: Site, *, most_files: int | None = None) -> AsyncGenerator[Client]:
    python = () if most_files is None else ("-c", FEW_FILES.replace("FILES", str(most_files)))
    token = issue_token(site.user_id, secret=SECRET, now=datetime.now(UTC), ttl=timedelta(hours=1))
    port = free_port()
    async with (
        running(site, "serve", "--port", str(port), python=python) as server,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"},
            transport=httpx.AsyncHTTPTransport(retries=8),
            timeout=PATIENCE,
        ) as http,
    ):
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        yield Client(server=server, http=http, port=port)


async def test_a_crowd_that_asks_nothing_keeps_nobody_from_an_answer_and_no_job_from_its_end(
    site: Site, tally: Tally
) -> None:
    async with site.open() as here:
        order = await seed_order(here.store, user_id=site.user_id)
        async with served(site, most_files=FILES) as client:
            crowd = [await asyncio.open_connection("127.0.0.1", client.port) for _ in range(CROWD)]
            began = time.monotonic()
            file_id, _ = await client.uploaded(order.id, "a.jpg")
            await client.post(f"/api/orders/{order.id}/submit-edits", files=[file_id])
            await client.server.wait_for(event("attempt", result="done"))
            assert time.monotonic() - began < 30
            for _, writer in crowd:
                writer.close()
            await client.server.end()

        jobs = await here.store.jobs(JobQuery())
        assert [(job.status, job.attempts) for job in jobs] == [("done", 1)]
        assert not client.server.told("error")
        tally.jobs, tally.faults = 1, CROWD


async def test_an_original_is_written_once_whenever_its_link_is_used_again(site: Site, tally: Tally) -> None:
    """Before, while and after the job works on it."""
    async with site.open() as here:
        order = await seed_order(here.store, user_id=site.user_id)
        async with served(site) as client:
            file_id, upload = await client.uploaded(order.id, "a.jpg")
            async with httpx.AsyncClient(timeout=PATIENCE) as anybody:

                async def again(pause: float) -> int:
                    await asyncio.sleep(pause)
                    put = await anybody.put(upload["signed_url"], content=OTHER, headers=upload["headers"])
                    return put.status_code

                tries = [asyncio.create_task(again(number / 20)) for number in range(AGAIN)]
                await client.post(f"/api/orders/{order.id}/submit-edits", files=[file_id])
                answers = Counter(await asyncio.gather(*tries))
                await client.server.wait_for(event("attempt", result="done"))
                answers[await again(0)] += 1
            await client.server.end()

        [file] = await here.store.files([file_id])
        assert set(answers) <= {412, 429}, answers
        assert file.bytes == len(PHOTO)
        for key in (file.keys.raw, file.keys.processed):
            assert await here.bucket.read(key) == PHOTO
        assert difference(decoded(await here.bucket.read(file.keys.preview)), decoded(PHOTO)) < 6
        tally.jobs, tally.faults = 1, AGAIN


async def test_halves_of_uploads_take_no_more_room_than_two(site: Site, tally: Tally) -> None:
    site = replace(site, s3=None)
    async with site.open() as here:
        order = await seed_order(here.store, user_id=site.user_id)
        async with served(site) as client:
            upload = await client.intent(order.id, "a.jpg")
            target = upload["signed_url"].partition(f":{client.port}")[2]
            fields = "".join(f"{name}: {value}\r\n" for name, value in upload["headers"].items())
            head = f"PUT {target} HTTP/1.1\r\nHost: x\r\n{fields}Content-Length: 9000000\r\n\r\n".encode()
            halves = [await asyncio.open_connection("127.0.0.1", client.port) for _ in range(HALVES)]
            for _, writer in halves:
                writer.write(head + b"x" * 100_000)
            refused = [asyncio.create_task(reader.readline()) for reader, _ in halves]
            async with asyncio.timeout(PATIENCE):
                while sum(task.done() for task in refused) < HALVES - 2:  # noqa: ASYNC110  # the server ends them
                    await asyncio.sleep(0.05)
            staged = [*(site.folder / "bucket" / ".staging").iterdir()]
            assert Counter(task.result()[9:12] for task in refused if task.done()) == {b"429": HALVES - 2}
            assert len(staged) <= 2
            await client.server.end()
            for _, writer in halves:
                writer.close()
            await asyncio.gather(*refused, return_exceptions=True)
        assert [*(site.folder / "bucket" / ".staging").iterdir()] == []
        tally.faults = HALVES


async def test_a_request_that_still_runs_at_the_end_is_told_to_come_again(site: Site, tally: Tally) -> None:
    async with site.open() as here:
        order = await seed_order(here.store, user_id=site.user_id)
        [file] = await seed_files(here.store, order, 1)
        async with served(site) as client, held(site):
            asked = asyncio.create_task(
                client.http.post("/api/files/bulk-mark", json={"ids": [file.id], "marked": True})
            )
            await asyncio.sleep(1)
            await client.server.end()
            answer = await asked
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert answer.json()["code"] in {"shutting_down", "storage_unavailable"}
        assert int(answer.headers["retry-after"]) > 0
        tally.faults = 1


@pytest.mark.parametrize("hours", [-1, 2, 91 * 24] if FULL else [-1])
async def test_a_consumer_with_a_wrong_clock_works_and_takes_nothing_away(site: Site, tally: Tally, hours: int) -> None:
    site = replace(site, s3=None)  # S3 refuses who is off by a quarter of an hour: that consumer pauses
    count = sized(4, 100)
    async with site.open() as here:
        kept, running_file = await seed_files(here.store, await seed_order(here.store, user_id=site.user_id), 2)
        for file in (kept, running_file):
            await here.bucket.write(file.object_key, PHOTO, content_type="image/jpeg")
        await submit(here.store, [kept], now=datetime.now(UTC))
        async with running(site, "consume", "--drain") as right:
            assert await right.process.wait() == 0
        await submit(here.store, [running_file], now=datetime.now(UTC))
        await claim(here.store, datetime.now(UTC))  # somebody else is at work on it
        files = await submitted_now(here, count)
        async with running(site, "consume", python=("-c", WRONG_TIME.replace("OFF", str(hours * 3600)))) as wrong:
            after = 0
            for _ in files:
                after = await wrong.wait_for(event("attempt", result="done"), after=after)
            await wrong.end()

        [still, at_work] = await here.store.files([kept.id, running_file.id])
        assert still.preview_url is not None
        assert at_work.locked
        assert (await here.bucket.head(still.keys.preview)).size > 0
        assert wrong.told("clock_skew")
        await here.store.reset_stale_locks(now=datetime.now(UTC))
        assert await audit(here, files, FATES[""]) == []
        tally.jobs += count + 1


async def submitted_now(here: Opened, count: int) -> list[File]:
    order = await seed_order(here.store, user_id=here.site.user_id)
    files = [*await seed_files(here.store, order, count)]
    for file in files:
        await here.bucket.write(file.object_key, PHOTO, content_type="image/jpeg")
    await submit(here.store, files, now=datetime.now(UTC))
    return files


async def test_express_without_end_leaves_others_every_fifth_start(site: Site, tally: Tally) -> None:
    express, others = sized(24, 2000), sized(6, 100)
    async with site.open() as here:
        order = await seed_order(here.store, user_id=site.user_id)
        hurried = await seed_files(here.store, order, express)
        patient = await seed_files(here.store, order, others)
        for file in (*hurried, *patient):
            await here.bucket.write(file.object_key, b"not a picture", content_type="image/jpeg")
        for start in range(0, express, 1000):
            await submit(here.store, hurried[start : start + 1000], express=True, now=datetime.now(UTC))
        await submit(here.store, patient, now=datetime.now(UTC))
        async with running(site, "consume", "--drain") as consumer:
            assert await consumer.process.wait() == 0

        jobs = sorted(await here.store.jobs(JobQuery(limit=100_000)), key=started)
        assert starved(jobs, others) == []
        assert await audit_books(here) == []
        tally.jobs += express + others


def started(job: EditJob) -> tuple[datetime, str]:
    assert job.started_at is not None
    return job.started_at, job.id


def starved(jobs: Sequence[EditJob], others: int) -> list[str]:
    """Every run of five starts, while both waited, without one that is not express."""
    left, found = others, list[str]()
    for start in range(0, len(jobs) - 4, 5):
        five = jobs[start : start + 5]
        if left and all(job.express for job in five):
            found.append(f"starts {start} to {start + 4} were all express")
        left -= sum(not job.express for job in five)
    return found
