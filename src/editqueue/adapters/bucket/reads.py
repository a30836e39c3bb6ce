"""What the adapters on obstore share: the errors of a store as ours, and reading and listing."""

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, Protocol

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import ObjectStore

from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import EditQueueError, PermanentError, StorageUnavailable
from editqueue.ports.bucket import ObjectInfo

CHUNK_BYTES: Final = 1024 * 1024


class Backend(Protocol):
    """Where the objects are: how obstore opens it, and what its errors mean. Equal ones share an open store."""

    @property
    def longest_call(self) -> timedelta:
        """Until a call has ended at its worst, its retries included."""
        ...

    def open(self) -> ObjectStore: ...

    def translate(self, error: Exception, key: str) -> EditQueueError:
        """Our error for an OSError or an error of obstore that was about `key`."""
        ...


@contextmanager
def translate_errors(backend: Backend, key: str) -> Generator[None]:
    """Raise our errors instead of those that obstore documents. All others pass unchanged."""
    try:
        yield
    except PreconditionError as error:
        raise StorageUnavailable(f"{key} was replaced while it was read") from error
    except (BaseError, OSError) as error:
        raise backend.translate(error, key) from error
    except ValueError as error:
        if not str(error).startswith("Could not parse path"):
            raise
        raise PermanentError(f"not a valid object key: {key!r}: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """The error without obstore's debug dump."""
    return (str(error).partition("\n")[0] or type(error).__name__).strip()


class ReadsObjects:
    """head, read, stream and list over an obstore store."""

    def __init__(self, backend: Backend, *, name: str) -> None:
        self._backend = backend
        self.name = name
        with translate_errors(backend, ""):
            self._store = backend.open()

    async def head(self, key: str) -> ObjectInfo:
        with translate_errors(self._backend, self._checked(key)):
            found = await obstore.get_async(self._store, key, options={"head": True})
        return ObjectInfo(
            key=key,
            size=found.meta["size"],
            content_type=found.attributes.get("Content-Type"),
            last_modified=found.meta["last_modified"],
            etag=found.meta["e_tag"],
        )

    async def read(self, key: str) -> bytes:
        with translate_errors(self._backend, self._checked(key)):
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())

    async def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The object in pieces: all of it, or the bytes from `start` up to but without `end`."""
        with translate_errors(self._backend, self._checked(key)):
            options: obstore.GetOptions = {} if end is None else {"range": (start, end)}
            found = await obstore.get_async(self._store, key, options=options)
            async for piece in found.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(piece)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        root = prefix.removesuffix("/")
        if root:
            check_key(root)
        with translate_errors(self._backend, prefix):
            pages = obstore.list(self._store, prefix=root or None)  # pyright: ignore[reportUnknownMemberType]  # its Arrow overloads need pyarrow's types
            async for page in pages:
                for meta in page:
                    size, modified = meta["size"], meta["last_modified"]
                    yield ObjectInfo(key=meta["path"], size=size, content_type=None, last_modified=modified)

    async def remove_leftovers(self, *, before: datetime, thorough: bool = False) -> int:  # noqa: ARG002
        """Nothing to do where a write appears whole or not at all."""
        return 0

    async def close(self) -> None:
        """Nothing to close: obstore does it."""

    def _checked(self, key: str) -> str:
        return check_key(key)
