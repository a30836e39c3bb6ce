"""A bucket and image tools that do nothing, at once."""

from datetime import UTC, datetime

from devtools.memory_bucket import MemoryBucket
from editqueue.ports.bucket import ObjectInfo
from editqueue.ports.image_tools import Preview

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class NoopBucket(MemoryBucket):
    async def head(self, key: str) -> ObjectInfo:
        return ObjectInfo(key=key, size=1, content_type="image/jpeg", last_modified=LONG_AGO)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        del source, target, etag

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        del key, body, content_type

    async def probe(self) -> datetime:
        return datetime.now(UTC)


class NoopImages:
    async def make_preview(self, key: str) -> Preview:
        del key
        return Preview(body=b"", width=1, height=1, source_format="jpeg", path="none")

    async def probe(self) -> None:
        pass

    async def close(self) -> None:
        pass
