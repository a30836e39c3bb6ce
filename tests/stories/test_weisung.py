"""The Weisung, part 6: its two unit tests and its five integration tests, by their own names."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product

import httpx
import pytest

from devtools.seeds import claim, seed_files, seed_order, submit
from devtools.world import SECRET, World, preview_of
from editqueue.adapters.bucket.local.server import create_object_app
from editqueue.domain.jobs import LEGAL_TRANSITIONS, JobStatus
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.auth import issue_token
from editqueue.use_cases.consumer.process_job import process_next

PHOTO = b"\xff\xd8 ein Wohnzimmer"


@dataclass(frozen=True)
class Shop:
    """Anna's browser, the API it talks to, and the one consumer behind it."""

    world: World
    http: httpx.AsyncClient

    async def open_order(self) -> str:
        return (await seed_order(self.world.store, user_id="anna")).id

    async def upload(self, order_id: str, name: str) -> str:
        intent = await self.http.post(
            "/api/uploads/intent", json={"filename": name, "mime": "image/jpeg", "order_id": order_id}
        )
        grant = intent.json()
        put = await self.http.put(grant["signed_url"], content=PHOTO, headers=grant["headers"])
        assert put.status_code == 200
        done = await self.http.post(
            "/api/uploads/finalize", json={"object_key": grant["object_key"], "bytes": len(PHOTO)}
        )
        return done.json()["file_id"]

    async def order_with_marked(self, count: int) -> tuple[str, list[str]]:
        order_id = await self.open_order()
        ids = [await self.upload(order_id, f"IMG_{number}.JPG") for number in range(count)]
        marked = await self.http.post("/api/files/bulk-mark", json={"ids": ids, "marked": True})
        assert marked.status_code == 200
        return order_id, ids

    async def submit_edits(self, order_id: str, ids: list[str]) -> httpx.Response:
        return await self.http.post(f"/api/orders/{order_id}/submit-edits", json={"files": ids})

    async def status(self, order_id: str) -> dict[str, int]:
        return (await self.http.get(f"/api/orders/{order_id}/status")).json()

    async def files(self, order_id: str) -> list[dict[str, object]]:
        return (await self.http.get(f"/api/orders/{order_id}/files")).json()["files"]

    async def consume(self) -> None:
        while await process_next(self.world.ports) is not None:
            pass


@pytest.fixture
async def shop(world: World) -> AsyncIterator[Shop]:
    app = create_app(world.ports, jwt_secret=SECRET, object_app=create_object_app(world.bucket, world.signer))
    token = issue_token("anna", secret=SECRET, now=world.clock.now(), ttl=timedelta(hours=1))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://127.0.0.1:8787",
        headers={"Authorization": f"Bearer {token}"},
    ) as http:
        yield Shop(world, http)


def test_unit_job_statemaschine_queued_in_progress_done_failed() -> None:
    queued, running, done, failed = JobStatus.QUEUED, JobStatus.IN_PROGRESS, JobStatus.DONE, JobStatus.FAILED

    illegal = set(product(JobStatus, JobStatus)) - LEGAL_TRANSITIONS

    assert {(queued, running), (running, done), (running, failed), (running, queued)} <= LEGAL_TRANSITIONS
    assert (queued, done) in illegal
    assert {(end, after) for end, after in product((done, failed), JobStatus)} <= illegal


async def test_unit_lock_handler_set_release(world: World) -> None:
    [file] = await seed_files(world.store, await seed_order(world.store), 1)
    await submit(world.store, [file])
    assert (await world.file(file)).locked is False

    running = await claim(world.store)
    assert (await world.file(file)).locked is True

    await world.store.finish(running, preview_url="r2://b/k", bytes_copied=1, now=world.clock.now())
    assert (await world.file(file)).locked is False


async def test_1_submit_edits_erzeugt_jobs(shop: Shop) -> None:
    order_id, ids = await shop.order_with_marked(3)

    answer = await shop.submit_edits(order_id, ids)

    assert answer.status_code == 201
    jobs = answer.json()["jobs"]
    assert [one["file_id"] for one in jobs] == ids
    assert {one["status"] for one in jobs} == {"queued"}
    assert {one.id for one in await shop.world.jobs()} == {one["id"] for one in jobs}
    assert await shop.status(order_id) == {"queued": 3, "in_progress": 0, "done": 0, "failed": 0, "total": 3}


async def test_2_consumer_verarbeitet_3_dateien_status_done_previews_vorhanden(shop: Shop) -> None:
    order_id, ids = await shop.order_with_marked(3)
    await shop.submit_edits(order_id, ids)

    await shop.consume()

    assert await shop.status(order_id) == {"queued": 0, "in_progress": 0, "done": 3, "failed": 0, "total": 3}
    files = await shop.files(order_id)
    assert [(one["status"], one["locked"]) for one in files] == [("done", False)] * 3
    assert all(str(one["preview_url"]).startswith("r2://piximmo-media/user/anna/") for one in files)
    folders = [key.split("/")[4] for key in await shop.world.objects()]
    assert {name: folders.count(name) for name in folders} == {"raw": 3, "processed": 3, "preview": 3}
    notes = (await shop.http.get("/api/notifications")).json()["items"]
    assert [one["type"] for one in notes] == ["edit_done"] * 3


async def test_3_preview_liefert_url_http_200(shop: Shop) -> None:
    order_id, [file_id] = await shop.order_with_marked(1)
    assert (await shop.http.get(f"/api/files/{file_id}/preview")).status_code == 404
    await shop.submit_edits(order_id, [file_id])
    await shop.consume()

    answer = await shop.http.get(f"/api/files/{file_id}/preview")
    picture = await shop.http.get(answer.json()["url"])

    [file] = await shop.files(order_id)
    assert answer.status_code == 200
    assert picture.status_code == 200
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content == preview_of(str(file["object_key"])).body


async def test_4_fehlendes_raw_job_failed_notification_revision_required(shop: Shop) -> None:
    order_id, [file_id] = await shop.order_with_marked(1)
    [file] = await shop.files(order_id)
    await shop.world.bucket.delete([str(file["object_key"])])
    await shop.submit_edits(order_id, [file_id])

    await shop.consume()

    [job] = await shop.world.jobs()
    [file] = await shop.files(order_id)
    [note] = (await shop.http.get("/api/notifications")).json()["items"]
    assert job.status == "failed"
    assert (file["status"], file["locked"]) == ("queued", False)
    assert (note["type"], note["file_id"]) == ("revision_required", file_id)


async def test_5_delete_waehrend_lock_409(shop: Shop) -> None:
    order_id, ids = await shop.order_with_marked(2)
    await shop.submit_edits(order_id, ids[:1])
    shop.world.images.gate = asyncio.Event()
    consumer = asyncio.create_task(shop.consume())
    await shop.world.images.entered.wait()

    refused = await shop.http.request("DELETE", "/api/files/bulk", json={"ids": ids})

    assert refused.status_code == 409
    assert refused.json()["code"] == "file_locked"
    assert len(await shop.files(order_id)) == 2
    shop.world.images.gate.set()
    await consumer
    deleted = await shop.http.request("DELETE", "/api/files/bulk", json={"ids": ids})
    assert (deleted.status_code, await shop.files(order_id)) == (200, [])
