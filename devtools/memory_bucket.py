"""The bucket in memory, for tests: gone with the process."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import obstore
from obstore.store import MemoryStore

from editqueue.adapters.bucket.local.served import SignsItsUrls, limited
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.reads import first_line, sorted_errors
from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import EditQueueError, PermanentError


class MemoryBucket(SignsItsUrls):
    def __init__(
        self,
        *,
        signer: UrlSigner,
        base_url: str = "http://127.0.0.1:8787/objects",
        name: str = "piximmo-media",
    ) -> None:
        super().__init__(MemoryStore(), name=name, sorter=_sorter, signer=signer, base_url=base_url)

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        with sorted_errors(check_key(key), _sorter):
            await obstore.put_async(self._store, key, body, attributes={"Content-Type": content_type})

    async def receive(self, key: str, pieces: AsyncIterator[bytes], *, content_type: str, max_bytes: int) -> int:
        body = b"".join([piece async for piece in limited(pieces, max_bytes=max_bytes)])
        await self.write(key, body, content_type=content_type)
        return len(body)

    async def copy(self, source: str, target: str) -> int:
        with sorted_errors(check_key(source), _sorter):
            await obstore.copy_async(self._store, source, check_key(target))
        return (await self.head(target)).size

    async def delete(self, keys: Sequence[str]) -> None:
        with sorted_errors(", ".join(keys), _sorter):
            await obstore.delete_async(self._store, [check_key(key) for key in keys])

    async def remove_leftovers(self, *, before: datetime) -> int:  # nothing outlives the process
        return 0

    async def close(self) -> None:
        pass


def _sorter(error: Exception, key: str) -> EditQueueError:
    return PermanentError(f"the bucket in memory cannot serve {key!r}: {first_line(error)}")
