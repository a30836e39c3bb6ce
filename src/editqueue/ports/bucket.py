"""The bucket: where originals, copies and previews lie."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    key: str
    size: int
    content_type: str | None
    last_modified: datetime
    etag: str | None = None
    """Another one after every write; None in a list."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedPut:
    url: str
    headers: Mapping[str, str]
    """Must be sent with the PUT, exactly as they are: they are part of the signature."""


class Bucket(Protocol):
    """One private bucket of objects.

    Every method raises ObjectMissing for a key with nothing behind it (where one is read), StorageUnavailable
    for what may work later, and PermanentError for what never will (access denied, invalid key).
    """

    @property
    def name(self) -> str: ...

    async def head(self, key: str) -> ObjectInfo: ...

    async def read(self, key: str) -> bytes: ...

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object in pieces, for hashing without holding it in memory."""
        ...

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        """Create or replace, all or nothing: a reader sees the old object or the whole new one."""
        ...

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        """Server-side copy with content type and metadata; replaces `target`.

        With `etag`, only of that version of `source`: raises StorageUnavailable if it was replaced.
        """
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects. Keys with nothing behind them are no error."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object below `prefix`, in key order; `content_type` may be None here."""
        ...

    async def sign_get(self, key: str, *, expires_in: timedelta) -> str: ...

    async def sign_put(self, key: str, *, content_type: str, max_bytes: int, expires_in: timedelta) -> SignedPut: ...

    async def remove_leftovers(self, *, before: datetime, thorough: bool = False) -> int:
        """Remove temporary pieces of writes that died before `before`. Returns how many there were.

        It does not look at the objects, however many; `thorough` may, for what older versions left behind.
        """
        ...

    async def probe(self) -> object:
        """Do what a job does. Raises StorageUnavailable or PermanentError if no job could work with this bucket now."""
        ...

    async def now(self) -> datetime:
        """The time by the bucket's own clock; told also by one that is full."""
        ...

    async def close(self) -> None: ...


Waiting = Callable[[], AbstractContextManager[object]]
"""What is put around every wait for the storage."""


class ByteSource(Protocol):
    """One object, read piece by piece and blocking: for the processes and parsers that make previews of it.

    Raises as `Bucket` does. Whoever replaces the object between two reads makes the second fail.
    """

    @property
    def bytes_read(self) -> int:
        """So far, over all reads."""
        ...

    def size(self) -> int: ...

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`; fewer at the end."""
        ...


class StoredObject(ByteSource, Protocol):
    """An object of a bucket."""

    @property
    def etag(self) -> str | None:
        """Of the version that is read; None before the first read, and where the storage tells of none."""
        ...


class ByteSources(Protocol):
    """The bucket as other processes read it: can be pickled, and is opened by whoever reads."""

    @property
    def longest(self) -> timedelta:
        """Until every wait for one object has ended."""
        ...

    def open(self, key: str, *, waiting: Waiting = nullcontext) -> StoredObject: ...
