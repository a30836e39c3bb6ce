"""A customer of the Worker: HTTP in, real queue delivery behind it, and a look into D1 and R2 afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from devtools.cloudflare.host import Cloudflare
from devtools.cloudflare.isolate import Isolate
from devtools.pictures.samples import encoded, scene
from devtools.seeds import seed_order
from editqueue.adapters.bucket.cloudflare import R2Bucket
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.files import File
from editqueue.domain.jobs import EditJob
from editqueue.domain.keys import ObjectKeys
from editqueue.ports.job_store import JobQuery

PHOTO = encoded(scene(1600, 1000))


@dataclass
class Shop:
    cloudflare: Cloudflare
    isolate: Isolate
    http: httpx.AsyncClient
    """With the customer's token."""
    store: SqlStore = field(init=False)
    bucket: R2Bucket = field(init=False)

    def __post_init__(self) -> None:
        self.store, self.bucket = self.isolate.store, self.isolate.bucket

    async def order_with(self, *photos: bytes, name: str = "IMG_1.JPG", mime: str = "image/jpeg") -> list[File]:
        """Uploaded through signed URLs, finalized and marked."""
        order = await seed_order(self.store, user_id="anna")
        ids = [await self._upload(order.id, photo, name, mime) for photo in photos]
        marked = await self.http.post("/api/files/bulk-mark", json={"ids": ids, "marked": True})
        assert marked.status_code == 200, marked.text
        found = {one.id: one for one in await self.store.files(ids)}
        return [found[one] for one in ids]

    async def _upload(self, order_id: str, photo: bytes, name: str, mime: str) -> str:
        intent = await self.http.post(
            "/api/uploads/intent", json={"filename": name, "mime": mime, "order_id": order_id}
        )
        assert intent.status_code == 200, intent.text
        grant = intent.json()
        put = await self.http.put(grant["signed_url"], content=photo, headers=grant["headers"])
        assert put.status_code == 200, put.text
        done = await self.http.post(
            "/api/uploads/finalize", json={"object_key": grant["object_key"], "bytes": len(photo)}
        )
        assert done.status_code == 200, done.text
        return done.json()["file_id"]

    async def submit(self, files: Sequence[File]) -> list[str]:
        answer = await self.http.post(
            f"/api/orders/{files[0].order_id}/submit-edits", json={"files": [one.id for one in files]}
        )
        assert answer.status_code == 201, answer.text
        return [one["id"] for one in answer.json()["jobs"]]

    async def counted(self) -> dict[str, int]:
        return await self.cloudflare.tell("counted")

    async def until(self, before: dict[str, int], **more: int) -> None:
        """Wait until so many more messages were settled, sent ... than `before` says."""
        for name, number in more.items():
            await self.cloudflare.tell("wait", name=name, reach=before[name] + number)

    async def status(self, files: Sequence[File]) -> dict[str, int]:
        return (await self.http.get(f"/api/orders/{files[0].order_id}/status")).json()

    async def shown(self, files: Sequence[File]) -> list[dict[str, Any]]:
        return (await self.http.get(f"/api/orders/{files[0].order_id}/files")).json()["files"]

    async def notes(self, files: Sequence[File]) -> list[str]:
        """Types of the notifications of these files, newest first."""
        items = (await self.http.get("/api/notifications", params={"limit": 200})).json()["items"]
        wanted = {one.id for one in files}
        return [one["type"] for one in items if one["file_id"] in wanted]

    async def jobs(self, files: Sequence[File]) -> Sequence[EditJob]:
        return await self.store.jobs(JobQuery(order_id=files[0].order_id))

    async def objects(self, file: File) -> dict[str, bytes | None]:
        """What lies at the three keys of a file."""
        keys = ObjectKeys.from_raw(file.object_key)
        there = {one.key async for one in self.bucket.list(keys.raw.rpartition("/raw/")[0])}
        return {
            name: await self.bucket.read(key) if key in there else None
            for name, key in (("raw", keys.raw), ("processed", keys.processed), ("preview", keys.preview))
        }
