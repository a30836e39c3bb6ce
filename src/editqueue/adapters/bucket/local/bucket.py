"""The bucket as a folder: the object `key` is the file `<folder>/<key>`, to be read there by anyone.

Beside the objects live `.staging/` (bodies on their way in) and `.attributes/` (the content types, which
files cannot carry). Both are on the same file system, because a write ends in a rename.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

from obstore.store import LocalStore

from editqueue.adapters.bucket.local import files as _files
from editqueue.adapters.bucket.local.served import SignsItsUrls, limited
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.reads import CHUNK_BYTES, first_line, sorted_errors
from editqueue.domain.errors import EditQueueError, PermanentError, StorageUnavailable
from editqueue.ports.bucket import ObjectInfo

_NEVER = (NotADirectoryError, IsADirectoryError, FileExistsError, ValueError)


class LocalBucket(SignsItsUrls):
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
        with sorted_errors("", self._sort):
            self._folder.mkdir(parents=True, exist_ok=True)
            store = LocalStore(self._folder)
        super().__init__(store, name=name, sorter=self._sort, signer=signer, base_url=base_url)

    def path(self, key: str) -> Path:
        """Where the object is, or would be. Raises PermanentError for an invalid key."""
        return _files.object_path(self._folder, key)

    async def head(self, key: str) -> ObjectInfo:
        with sorted_errors(key, self._sort):
            return await asyncio.to_thread(_files.head, self._folder, key)

    async def read(self, key: str) -> bytes:
        self.path(key)
        return await super().read(key)

    async def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        self.path(key)
        async for piece in super().stream(key, start=start, end=end):
            yield piece

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        with sorted_errors(key, self._sort):
            await asyncio.to_thread(_files.write, self._folder, key, body, content_type)

    async def receive(self, key: str, pieces: AsyncIterator[bytes], *, content_type: str, max_bytes: int) -> int:
        self.path(key)
        with sorted_errors(key, self._sort):
            staged = _files.new_staging_file(self._folder)
            try:
                return await self._fill(staged, key, limited(pieces, max_bytes=max_bytes), content_type)
            finally:
                _files.discard(staged)

    async def copy(self, source: str, target: str) -> int:
        """A hard link: no bytes move, and since writes replace the file, neither key can change the other."""
        self.path(target)
        with sorted_errors(source, self._sort):
            return await asyncio.to_thread(_files.copy, self._folder, source, target)

    async def delete(self, keys: Sequence[str]) -> None:
        with sorted_errors(", ".join(keys), self._sort):
            await asyncio.to_thread(_files.delete, self._folder, keys)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        found = [info async for info in super().list(prefix) if _files.is_object(info.key)]
        for info in sorted(found, key=lambda info: info.key):
            yield info

    async def remove_leftovers(self, *, before: datetime) -> int:
        with sorted_errors("", self._sort):
            return await asyncio.to_thread(_files.remove_leftovers, self._folder, before.timestamp())

    async def close(self) -> None:
        pass

    async def _fill(self, staged: Path, key: str, pieces: AsyncIterator[bytes], content_type: str) -> int:
        size = 0
        with await asyncio.to_thread(staged.open, "wb", CHUNK_BYTES) as file:
            async for piece in pieces:
                size += await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(_files.sync, file)
        await asyncio.to_thread(_files.publish, self._folder, staged, key, content_type)
        return size

    def _sort(self, error: Exception, key: str) -> EditQueueError:
        if isinstance(error, _NEVER):
            return PermanentError(f"{key!r} cannot be an object in {self._folder}: {first_line(error)}")
        return StorageUnavailable(
            f"the bucket folder {self._folder} cannot serve {key!r}: {first_line(error)}. "
            "Check that it is mounted, writable for this user and has free space."
        )
