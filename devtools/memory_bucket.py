"""The bucket in memory, for tests: gone with the process."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import MemoryStore

from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.probing import try_out
from editqueue.adapters.bucket.reads import ReadsObjects, first_line, translate_errors
from editqueue.adapters.bucket.upload_headers import upload_headers
from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import EditQueueError, ObjectExists, ObjectMissing, PermanentError
from editqueue.ports.bucket import SignedPut
from editqueue.ports.time import Clock


@dataclass(frozen=True, eq=False)
class Memory:
    """The `Backend`, for readers in this process."""

    store: MemoryStore = field(default_factory=MemoryStore)
    longest_call: timedelta = timedelta(seconds=1)

    def open(self) -> MemoryStore:
        return self.store

    def translate(self, error: Exception, key: str) -> EditQueueError:
        if isinstance(error, FileNotFoundError):
            return ObjectMissing(key)
        if isinstance(error, AlreadyExistsError):
            return ObjectExists(f"there is an object at {key} already")
        return PermanentError(f"the bucket in memory cannot serve {key!r}: {first_line(error)}")


class MemoryBucket(ReadsObjects):
    def __init__(
        self,
        *,
        signer: UrlSigner,
        base_url: str = "http://127.0.0.1:8787/objects",
        name: str = "piximmo-media",
        clock: Clock | None = None,
    ) -> None:
        """`clock` is the bucket's own, as `probe` tells it; without, the system's."""
        self.backend = Memory()
        super().__init__(self.backend, name=name)
        self._signer = signer
        self._base_url = base_url
        self._clock = clock

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        with translate_errors(self.backend, check_key(key)):
            await obstore.put_async(self._store, key, body, attributes={"Content-Type": content_type})

    async def receive(self, key: str, pieces: AsyncIterator[bytes], *, content_type: str) -> None:
        body = b"".join([piece async for piece in pieces])
        attributes: obstore.Attributes = {"Content-Type": content_type}
        with translate_errors(self.backend, check_key(key)):
            await obstore.put_async(self._store, key, body, attributes=attributes, mode="create")

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        options: obstore.GetOptions = {"if_match": etag} if etag else {}
        with translate_errors(self.backend, check_key(source)):
            check_key(target)
            found = await obstore.get_async(self._store, source, options=options)
            attributes, body = found.attributes, await found.bytes_async()
            await obstore.put_async(self._store, target, bytes(body), attributes=attributes)

    async def delete(self, keys: Sequence[str]) -> None:
        with translate_errors(self.backend, ", ".join(keys)):
            await obstore.delete_async(self._store, [check_key(key) for key in keys])

    async def probe(self) -> datetime:
        return await try_out(self)

    async def now(self) -> datetime:
        return await self.probe() if self._clock is None else self._clock.now()

    async def sign_get(self, key: str, *, expires_in: timedelta) -> str:
        return self._signer.url_for_get(self._base_url, key, expires_in=expires_in)

    async def sign_put(self, key: str, *, content_type: str, max_bytes: int, expires_in: timedelta) -> SignedPut:
        url = self._signer.url_for_put(
            self._base_url, key, content_type=content_type, max_bytes=max_bytes, expires_in=expires_in
        )
        return SignedPut(url=url, headers=upload_headers(content_type))
