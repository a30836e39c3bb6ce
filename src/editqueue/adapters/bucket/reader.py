"""Ranged, blocking reads of one object: each image worker process fetches for itself, so no megabytes are pickled."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import GenericError
from obstore.store import ObjectStore

from editqueue.adapters.bucket.reads import Backend, translate_errors
from editqueue.domain.errors import PermanentError, StorageUnavailable
from editqueue.ports.bucket import Waiting

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta  # exist in its stubs only

MOST_PARTS: Final = 4
"""Requests at once for one read: a connection carries so many megabytes a second, and four carry four times that."""
PART_BYTES: Final = 1024 * 1024
"""At least, of each: below that, a request more costs as long as it saves."""


@lru_cache(maxsize=4)
def _opened(backend: Backend) -> ObjectStore:
    return backend.open()


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectReaders:
    """`ByteSources` on what obstore opens."""

    backend: Backend
    patience: timedelta = timedelta(seconds=120)
    """For all requests of one object; no new one begins after it."""

    @property
    def longest(self) -> timedelta:
        """Until every wait for one object has ended: the last request may begin late."""
        return self.patience + self.backend.longest_call

    def open(self, key: str, *, waiting: Waiting = nullcontext) -> "ObjectReader":
        return ObjectReader(self, key, waiting)


class ObjectReader:
    """`StoredObject`. Whoever replaces the object between two reads makes the second fail."""

    def __init__(self, readers: ObjectReaders, key: str, waiting: Waiting) -> None:
        self._readers = readers
        self._key = key
        self._waiting = waiting
        self._ends = time.monotonic() + readers.patience.total_seconds()
        self._size: int | None = None
        self.etag: str | None = None
        self.bytes_read = 0

    def size(self) -> int:
        if self._size is None:
            with self._request() as store:
                self._learn(obstore.get(store, self._key, options={**self._same(), "head": True}).meta)
        return self._size or 0

    def read(self, start: int, length: int) -> bytes:
        if self._size is None and start > 0:
            self.size()
        if self._size is not None:
            length = min(length, self._size - start)
        return self._get(start, length) if length > 0 else b""

    def _get(self, start: int, length: int) -> bytes:
        try:
            with self._request() as store:
                body = self._body(store, start, start + length)
        except (StorageUnavailable, PermanentError) as error:
            # No range of an empty object can be satisfied, and obstore has no class of its own for that.
            if self._size is None and isinstance(error.__cause__, GenericError) and self.size() == 0:
                return b""
            raise
        self.bytes_read += len(body)
        expected = min(length, self.size() - start)
        if len(body) != expected:
            raise StorageUnavailable(f"{self._key}: got {len(body)} of {expected} bytes")
        return body

    def _body(self, store: ObjectStore, start: int, end: int) -> bytes:
        """By one request, or a long one by several, all of them for the version that is known already."""
        parts = min(MOST_PARTS, (end - start) // PART_BYTES)
        if parts > 1 and self._size is not None and self.etag is not None:
            return asyncio.run(self._together(store, start, end, parts))
        got = obstore.get(store, self._key, options={**self._same(), "range": (start, end)})
        self._learn(got.meta)
        return bytes(got.bytes())

    async def _together(self, store: ObjectStore, start: int, end: int, parts: int) -> bytes:
        async def part(edges: tuple[int, int]) -> obstore.Bytes:
            got = await obstore.get_async(store, self._key, options={**self._same(), "range": edges})
            return await got.bytes_async()

        edges = (start + (end - start) * number // parts for number in range(parts + 1))
        return b"".join(await asyncio.gather(*map(part, pairwise(edges))))

    def _same(self) -> "GetOptions":
        return {"if_match": self.etag} if self.etag else {}

    def _learn(self, meta: "ObjectMeta") -> None:
        self._size, self.etag = meta["size"], meta["e_tag"]

    @contextmanager
    def _request(self) -> Generator[ObjectStore]:
        """Around one request, with the store to ask."""
        if time.monotonic() > self._ends:
            raise StorageUnavailable(f"{self._key}: not read after {self._readers.patience.total_seconds():g} s")
        with translate_errors(self._readers.backend, self._key), self._waiting():
            yield _opened(self._readers.backend)
