"""What the local and the memory bucket share: they are served by this program, so it signs their URLs."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol

from obstore.store import ObjectStore

from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.reads import ReadsObjects, Sorter
from editqueue.domain.errors import TooLarge
from editqueue.ports.bucket import Bucket, SignedPut


class ServedBucket(Bucket, Protocol):
    """A bucket that `local_server` can put behind HTTP."""

    def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]: ...

    async def receive(self, key: str, pieces: AsyncIterator[bytes], *, content_type: str, max_bytes: int) -> int:
        """Write what `pieces` brings, all or nothing; its size. Raises TooLarge over `max_bytes`."""
        ...


class SignsItsUrls(ReadsObjects):
    def __init__(self, store: ObjectStore, *, name: str, sorter: Sorter, signer: UrlSigner, base_url: str) -> None:
        super().__init__(store, name=name, sorter=sorter)
        self._signer = signer
        self._base_url = base_url

    async def sign_get(self, key: str, *, expires_in: timedelta) -> str:
        return self._signer.url_for_get(self._base_url, key, expires_in=expires_in)

    async def sign_put(self, key: str, *, content_type: str, max_bytes: int, expires_in: timedelta) -> SignedPut:
        url = self._signer.url_for_put(
            self._base_url, key, content_type=content_type, max_bytes=max_bytes, expires_in=expires_in
        )
        return SignedPut(url=url, headers={"Content-Type": content_type})


async def limited(pieces: AsyncIterator[bytes], *, max_bytes: int) -> AsyncIterator[bytes]:
    """`pieces`, or TooLarge as soon as they are more than `max_bytes` together."""
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise TooLarge(f"the body is over the {max_bytes} bytes that were signed")
        yield piece
