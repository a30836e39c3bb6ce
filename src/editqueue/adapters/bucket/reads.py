"""What the adapters share: reading and listing through obstore, and its errors as ours."""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from typing import Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import EditQueueError, ObjectMissing
from editqueue.ports.bucket import ObjectInfo

CHUNK_BYTES: Final = 1024 * 1024

Sorter = Callable[[Exception, str], EditQueueError]
"""Turns what a store raised into our error, for the key it was about."""


@contextmanager
def sorted_errors(key: str, sorter: Sorter) -> Generator[None]:
    """Raise our errors instead of the store's: ObjectMissing here, the rest as `sorter` says."""
    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise sorter(error, key) from error
        raise ObjectMissing(key) from error
    except (BaseError, OSError, ValueError) as error:
        raise sorter(error, key) from error


def first_line(error: Exception) -> str:
    """The error without obstore's debug dump."""
    return (str(error).partition("\n")[0] or type(error).__name__).strip()


class ReadsObjects:
    """head, read, stream and list over an obstore store."""

    def __init__(self, store: ObjectStore, *, name: str, sorter: Sorter) -> None:
        self._store = store
        self._name = name
        self._sorter = sorter

    @property
    def name(self) -> str:
        return self._name

    async def head(self, key: str) -> ObjectInfo:
        with sorted_errors(check_key(key), self._sorter):
            found = await obstore.get_async(self._store, key, options={"head": True})
        content_type = found.attributes.get("Content-Type")
        return ObjectInfo(
            key=key,
            size=found.meta["size"],
            content_type=content_type,
            last_modified=found.meta["last_modified"],
        )

    async def read(self, key: str) -> bytes:
        with sorted_errors(check_key(key), self._sorter):
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())

    async def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The object in pieces: all of it, or the bytes from `start` up to but without `end`."""
        with sorted_errors(check_key(key), self._sorter):
            options: obstore.GetOptions = {} if end is None else {"range": (start, end)}
            found = await obstore.get_async(self._store, key, options=options)
            async for piece in found.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(piece)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        root = prefix.removesuffix("/")
        if root:
            check_key(root)
        with sorted_errors(prefix, self._sorter):
            pages = obstore.list(self._store, prefix=root or None)  # pyright: ignore[reportUnknownMemberType]  # its Arrow overloads need pyarrow's types
            async for page in pages:
                for meta in page:
                    yield _listed(meta)


def _listed(meta: "obstore.ObjectMeta") -> ObjectInfo:
    return ObjectInfo(key=meta["path"], size=meta["size"], content_type=None, last_modified=meta["last_modified"])
