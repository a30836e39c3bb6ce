"""Where the promises are kept: a database and a bucket that many processes share."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from devtools.databases import Kind
from devtools.seaweed import S3Server
from devtools.seeds import NOON, seed_files, seed_order, submit
from devtools.world import SECRET, SteppingClock, original
from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database, open_store
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import files as file_table
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.files import File, Order
from editqueue.domain.ids import new_id
from editqueue.ports.bucket import Bucket
from editqueue.wiring.system_clock import SystemClock


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    kind: Kind
    database_url: str
    folder: Path
    s3: S3Server | None = None
    """The bucket; without, a folder."""
    user_id: str = "anna"

    def environment(self) -> Mapping[str, str]:
        """The settings with which `editqueue` works here."""
        bucket = self.s3.settings() if self.s3 else {"EDITQUEUE_BUCKET_URL": self._bucket_folder().as_uri()}
        return {
            "EDITQUEUE_DATA_DIR": str(self.folder),
            "EDITQUEUE_DATABASE_URL": self.database_url,
            "JWT_SECRET": SECRET,
            **bucket,
        }

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Opened"]:
        store = await open_store(self.database_url)
        try:
            yield Opened(site=self, store=store, bucket=self._open_bucket())
        finally:
            await store.close()

    def _open_bucket(self) -> Bucket:
        if self.s3 is None:
            signer = UrlSigner(secret=SECRET.encode(), clock=SteppingClock())
            return LocalBucket(self._bucket_folder(), signer=signer)
        return S3Bucket(self.s3.client(), clock=SteppingClock(), system=SystemClock())

    def _bucket_folder(self) -> Path:
        return self.folder / "bucket"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A site as the test itself looks at it."""

    site: Site
    store: SqlStore
    bucket: Bucket

    async def submitted(self, count: int, *, after: float = 0, body: bytes | None = None) -> list[File]:
        """Files of a new order, queued `after` seconds; their originals are `body`, or each its own."""
        order = await seed_order(self.store, user_id=self.site.user_id)
        files = [*await seed_files(self.store, order, count)]
        for file in files:
            await self.bucket.write(file.object_key, body or original(file), content_type="image/jpeg")
        await submit(self.store, files, now=_moment(after))
        return files

    async def keys(self) -> set[str]:
        return {one.key async for one in self.bucket.list(f"user/{self.site.user_id}")}

    async def clear(self) -> None:
        """Leave the bucket as it was found."""
        await self.bucket.delete([*await self.keys()])


def _moment(after: float) -> datetime:
    return NOON + timedelta(seconds=after)


async def many_files(database_url: str, order: Order, count: int) -> Sequence[str]:
    """Marked files straight into the table, for tests of which making them is no part. Their ids."""
    database = open_database(database_url)
    ids = [new_id() for _ in range(count)]
    rows = [_row(order, number, file_id) for number, file_id in enumerate(ids, start=1)]
    try:
        for start in range(0, count, 500):
            await database.run(once(insert(file_table).values(rows[start : start + 500])))
    finally:
        await database.close()
    return ids


def _row(order: Order, number: int, file_id: str) -> dict[str, object]:
    return {
        "id": file_id,
        "order_id": order.id,
        "user_id": order.user_id,
        "object_key": f"user/{order.user_id}/orders/{order.id}/raw/{file_id}.jpg",
        "name": "bild.jpg",
        "mime": "image/jpeg",
        "bytes": 1,
        "position": number,
        "ver": 1,
        "status": "uploaded",
        "locked": False,
        "marked": True,
        "approved": False,
        "created_at": to_ms(NOON),
        "updated_at": to_ms(NOON),
    }
