"""The bucket as a folder: the object `key` is the file `<folder>/<key>`, to be read there by anyone.

Everything is on one file system, because a write ends in a rename.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from editqueue.adapters.bucket.local import files, paths
from editqueue.adapters.bucket.local.folder import LocalFolder
from editqueue.adapters.bucket.local.leftovers import remove_leftovers
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.reads import CHUNK_BYTES, ReadsObjects, translate_errors
from editqueue.adapters.bucket.upload_headers import upload_headers
from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.ports.bucket import ObjectInfo, SignedPut

_PAGE: Final = 1000
"""Objects listed by one visit to a thread."""


class LocalBucket(ReadsObjects):
    """Makes `folder` if need be. Raises StorageUnavailable when it cannot."""

    def __init__(
        self,
        folder: Path,
        *,
        signer: UrlSigner,
        base_url: str = "http://127.0.0.1:8787/objects",
        name: str = "piximmo-media",
    ) -> None:
        self._folder = folder.absolute()
        self._signer = signer
        self._base_url = base_url
        backend = LocalFolder(path=self._folder)
        with translate_errors(backend, ""):
            self._folder.mkdir(parents=True, exist_ok=True)
        super().__init__(backend, name=name)

    def path(self, key: str) -> Path:
        """Where the object is, or would be. Raises PermanentError for an invalid key."""
        return paths.object_path(self._folder, key)

    async def head(self, key: str) -> ObjectInfo:
        with translate_errors(self._backend, key):
            return await asyncio.to_thread(files.head, self._folder, key)

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        with translate_errors(self._backend, key):
            await asyncio.to_thread(files.write, self._folder, key, body, content_type)

    async def receive(self, key: str, pieces: AsyncIterator[bytes], *, content_type: str) -> None:
        self.path(key)
        with translate_errors(self._backend, key), files.staging_file(self._folder) as staged:
            with await asyncio.to_thread(staged.open, "wb", CHUNK_BYTES) as file:
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
                await asyncio.to_thread(files.sync, file)
            await asyncio.to_thread(files.publish, self._folder, staged, key, content_type)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> int:
        """A hard link: no bytes move, and since writes replace the file, neither key can change the other."""
        self.path(target)
        with translate_errors(self._backend, source):
            return await asyncio.to_thread(files.copy, self._folder, source, target)

    async def delete(self, keys: Sequence[str]) -> None:
        with translate_errors(self._backend, ", ".join(keys)):
            await asyncio.to_thread(files.delete, self._folder, keys)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        root = prefix.removesuffix("/")
        found = files.walk(self._folder, f"{check_key(root)}/" if root else "")
        with translate_errors(self._backend, prefix):
            while page := await asyncio.to_thread(lambda: tuple(islice(found, _PAGE))):
                for info in page:
                    yield info

    async def sign_get(self, key: str, *, expires_in: timedelta) -> str:
        return self._signer.url_for_get(self._base_url, key, expires_in=expires_in)

    async def sign_put(self, key: str, *, content_type: str, max_bytes: int, expires_in: timedelta) -> SignedPut:
        url = self._signer.url_for_put(
            self._base_url, key, content_type=content_type, max_bytes=max_bytes, expires_in=expires_in
        )
        return SignedPut(url=url, headers=upload_headers(content_type))

    async def remove_leftovers(self, *, before: datetime, thorough: bool = False) -> int:
        with translate_errors(self._backend, ""):
            return await asyncio.to_thread(remove_leftovers, self._folder, before.timestamp(), thorough=thorough)

    def _checked(self, key: str) -> str:
        self.path(key)
        return key
