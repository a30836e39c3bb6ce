"""The bucket: a shelf of objects, and what a process sees of it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from editqueue.adapters.bucket.probing import try_out
from editqueue.domain.errors import ObjectExists, ObjectMissing, StorageUnavailable
from editqueue.ports.bucket import ObjectInfo, SignedPut
from editqueue.ports.time import Clock
from tests.simulation.life import Life
from tests.simulation.wire import BUCKET, COPY, Wire


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    body: bytes
    content_type: str
    etag: str
    modified: datetime


class Shelf:
    """The objects. Every method has its effect at one instant."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.objects: dict[str, Stored] = {}
        self.deleted_late: dict[str, Life] = {}
        """By whom, who was stopped in the midst of it: somebody else may have made them anew by then. Until they are
        put again."""
        self._versions = count(1)

    def get(self, key: str) -> Stored:
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]

    def info(self, key: str) -> ObjectInfo:
        found = self.get(key)
        return ObjectInfo(
            key=key,
            size=len(found.body),
            content_type=found.content_type,
            last_modified=found.modified,
            etag=found.etag,
        )

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        etag = f"v{next(self._versions)}"
        self.deleted_late.pop(key, None)
        self.objects[key] = Stored(body=body, content_type=content_type, etag=etag, modified=self.clock.now())

    def put_new(self, key: str, body: bytes, *, content_type: str) -> None:
        """As a signed PUT does: an original is written once."""
        if key in self.objects:
            raise ObjectExists(f"there is an object at {key} already")
        self.put(key, body, content_type=content_type)

    def copy(self, source: str, target: str, *, etag: str | None) -> None:
        found = self.get(source)
        if etag not in {None, found.etag}:
            raise StorageUnavailable(f"{source} was replaced")
        self.put(target, found.body, content_type=found.content_type)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)


class SimulatedBucket:
    """`Bucket` of one process."""

    name = "piximmo-media"

    def __init__(self, shelf: Shelf, wire: Wire) -> None:
        self._shelf = shelf
        self._wire = wire

    async def head(self, key: str) -> ObjectInfo:
        return await self._wire.call("bucket.head", BUCKET, partial(self._shelf.info, key), _short(key))

    async def read(self, key: str) -> bytes:
        found = await self._wire.call("bucket.read", BUCKET, partial(self._shelf.get, key), _short(key))
        return found.body

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        yield await self.read(key)

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        effect = partial(self._shelf.put, key, body, content_type=content_type)
        await self._wire.call("bucket.write", COPY, effect, _short(key))

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        effect = partial(self._shelf.copy, source, target, etag=etag)
        await self._wire.call("bucket.copy", COPY, effect, _short(target))

    async def delete(self, keys: Sequence[str]) -> None:
        life, about = self._wire.life, ", ".join(map(_short, keys))
        stops = life.stops

        def delete() -> None:
            if life.stops != stops:
                self._shelf.deleted_late |= dict.fromkeys(keys, life)
            self._shelf.delete(keys)

        await self._wire.call("bucket.delete", COPY, delete, about)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        keys = await self._wire.call("bucket.list", BUCKET, lambda: sorted(self._shelf.objects), prefix)
        for key in [key for key in keys if key.startswith(prefix) and key in self._shelf.objects]:
            yield self._shelf.info(key)

    async def sign_get(self, key: str, *, expires_in: timedelta) -> str:
        return f"https://bucket.example/{key}"

    async def sign_put(self, key: str, *, content_type: str, max_bytes: int, expires_in: timedelta) -> SignedPut:
        return SignedPut(url=f"https://bucket.example/{key}", headers={"content-type": content_type})

    async def remove_leftovers(self, *, before: datetime, thorough: bool = False) -> int:
        return await self._wire.call("bucket.remove_leftovers", BUCKET, lambda: 0)

    async def probe(self) -> datetime:
        return await try_out(self)

    async def now(self) -> datetime:
        return await self._wire.call("bucket.now", BUCKET, self._shelf.clock.now)

    async def close(self) -> None:
        pass


def _short(key: str) -> str:
    """`preview/bild-1a2b.jpg` of a key of an order."""
    return "/".join(key.split("/")[-2:])
