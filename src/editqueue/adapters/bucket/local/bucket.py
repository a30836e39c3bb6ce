"""The bucket as a folder: the object `key` is the file `<folder>/<key>`, to be read there by anyone.

Everything is on one file system, because a write ends in a rename or a link. Whatever is done is done between two
looks at the marker: a folder that is not this bucket answers nothing and takes nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from editqueue.adapters.bucket.local import files, paths
from editqueue.adapters.bucket.local.folder import LocalFolder
from editqueue.adapters.bucket.local.leftovers import now_in, remove_leftovers
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.local.staging import staging_file
from editqueue.adapters.bucket.reads import ReadsObjects, translate_errors
from editqueue.adapters.bucket.upload_headers import upload_headers
from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.ports.bucket import ObjectInfo, SignedPut
from editqueue.use_cases.run_to_completion import run_to_completion

T = TypeVar("T")
_PAGE: Final = 1000
"""Objects listed by one visit to a thread."""


class LocalBucket(ReadsObjects):
    """Makes the bucket in `folder` if need be. Raises StorageUnavailable or PermanentError when it cannot."""

    def __init__(
        self,
        folder: Path,
        *,
        signer: UrlSigner,
        base_url: str = "http://127.0.0.1:8787/objects",
        name: str = "piximmo-media",
    ) -> None:
        self._signer = signer
        self._base_url = base_url
        path = folder.absolute()
        with translate_errors(LocalFolder(path=path), ""):
            self.folder = LocalFolder.made(path)
        super().__init__(self.folder, name=name)

    def path(self, key: str) -> Path:
        """Where the object is, or would be. Raises PermanentError for an invalid key."""
        return paths.object_path(self.folder.path, key)

    async def head(self, key: str) -> ObjectInfo:
        return await self._do(key, partial(files.head, self.folder.path, key))

    async def read(self, key: str) -> bytes:
        await self._confirm(key)
        body = await super().read(key)
        await self._confirm(key)
        return body

    async def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        await self._confirm(key)
        async for piece in super().stream(key, start=start, end=end):
            yield piece

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        await self._do(key, partial(files.write, self.folder.path, key, body, content_type))

    async def receive(self, key: str, pieces: AsyncIterator[bytes], *, content_type: str) -> None:
        """Create from what `pieces` brings. Raises ObjectExists if there is one, at the latest when all is there."""
        folder = self.folder.path
        await self._do(key, partial(files.refuse_existing, folder, key))
        async with self._staging_file(key) as (staged, file):
            async for piece in pieces:
                await self._try(key, partial(file.write, piece))
            await self._try(key, partial(files.sync, file))
            await self._do(key, partial(files.create, folder, staged, key, content_type))

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        """A hard link: no bytes move, and since writes replace the file, neither key can change the other."""
        self.path(target)
        await self._do(source, partial(files.copy, self.folder.path, source, target, etag))

    async def delete(self, keys: Sequence[str]) -> None:
        await self._do(", ".join(keys), partial(files.delete, self.folder.path, keys))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        root = prefix.removesuffix("/")
        found = files.walk(self.folder.path, f"{check_key(root)}/" if root else "")
        while page := await self._do(prefix, lambda: tuple(islice(found, _PAGE))):
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
        find = partial(remove_leftovers, self.folder.path, before.timestamp(), thorough=thorough)
        return await self._do("", find)

    async def probe(self) -> None:
        await self._do("", partial(files.probe, self.folder.path))

    async def now(self) -> datetime:
        return await self._do("", partial(now_in, self.folder.path))

    @asynccontextmanager
    async def _staging_file(self, key: str) -> AsyncGenerator[tuple[Path, BinaryIO]]:
        """Gone at the end, and for whoever is cancelled, too, before the cancellation comes out."""
        held = ExitStack()
        try:
            yield await run_to_completion(self._try(key, partial(held.enter_context, staging_file(self.folder.path))))
        finally:
            await run_to_completion(self._try(key, held.close))

    async def _do(self, key: str, work: Callable[[], T]) -> T:
        """`work` about `key` in a thread, between two looks at the marker."""

        def confirmed() -> T:
            self.folder.confirm()
            done = work()
            self.folder.confirm()
            return done

        return await self._try(key, confirmed)

    async def _try(self, key: str, work: Callable[[], T]) -> T:
        """`work` about `key` in a thread, and there what its errors mean: that, too, asks a disk that may hang."""

        def translated() -> T:
            with translate_errors(self.folder, key):
                return work()

        return await asyncio.to_thread(translated)

    async def _confirm(self, key: str) -> None:
        self._checked(key)
        await self._do(key, lambda: None)

    def _checked(self, key: str) -> str:
        self.path(key)
        return key
