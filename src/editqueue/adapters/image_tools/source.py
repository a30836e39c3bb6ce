"""Where a worker process gets a file from: it fetches for itself, no megabytes are pickled to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from editqueue.domain.errors import ObjectMissing, StorageUnavailable


class ByteSource(Protocol):
    """One object, counting what is read of it."""

    @property
    def bytes_read(self) -> int: ...
    def size(self) -> int: ...
    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`; fewer at the end."""
        ...

    def read_all(self) -> bytes: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceConfig:
    """How a worker opens the bucket: a `folder`, or an S3 `bucket` with its client `options`."""

    folder: str | None = None
    bucket: str | None = None
    endpoint: str = ""
    region: str = "auto"
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """`access_key_id` and `secret_access_key`; never logged."""
    timeout: timedelta = timedelta(seconds=20)

    def open(self, key: str) -> "StoredObject":
        return StoredObject(_store(self._identity()), key)

    def _identity(
        self,
    ) -> "tuple[str | None, str | None, str, str, tuple[tuple[str, str], ...], float]":
        secrets = tuple(sorted(self.secrets.items()))
        return (self.folder, self.bucket, self.endpoint, self.region, secrets, self.timeout.total_seconds())


@lru_cache(maxsize=4)
def _store(
    identity: tuple[str | None, str | None, str, str, tuple[tuple[str, str], ...], float],
) -> LocalStore | S3Store:
    folder, bucket, endpoint, region, secrets, timeout = identity
    if folder is not None:
        return LocalStore(folder)
    keys = dict(secrets)
    return S3Store(
        bucket or "",
        endpoint=endpoint,
        region=region,
        access_key_id=keys["access_key_id"],
        secret_access_key=keys["secret_access_key"],
        client_options={"timeout": timedelta(seconds=timeout), "allow_http": True},
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=timeout)},
    )


class StoredObject:
    """`ByteSource` on an object store."""

    def __init__(self, store: LocalStore | S3Store, key: str) -> None:
        self._store = store
        self._key = key
        self._size: int | None = None
        self.bytes_read = 0

    def size(self) -> int:
        if self._size is None:
            with _sorted_errors(self._key):
                self._size = obstore.head(self._store, self._key)["size"]
        return self._size

    def read(self, start: int, length: int) -> bytes:
        end = min(start + length, self.size())
        if start >= end:
            return b""
        with _sorted_errors(self._key):
            body = bytes(obstore.get_range(self._store, self._key, start=start, end=end))
        self.bytes_read += len(body)
        return body

    def read_all(self) -> bytes:
        with _sorted_errors(self._key):
            body = bytes(obstore.get(self._store, self._key).bytes())
        self.bytes_read += len(body)
        if len(body) != self.size():
            raise StorageUnavailable(f"{self._key}: got {len(body)} of {self.size()} bytes")
        return body


class BytesSource:
    """`ByteSource` on bytes in memory."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.bytes_read = 0

    def size(self) -> int:
        return len(self._body)

    def read(self, start: int, length: int) -> bytes:
        piece = self._body[start : start + length]
        self.bytes_read += len(piece)
        return piece

    def read_all(self) -> bytes:
        self.bytes_read += len(self._body)
        return self._body


class _sorted_errors:  # noqa: N801  # a context manager reads as a verb
    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise ObjectMissing(self._key) from error
        if isinstance(error, BaseError | OSError):
            raise StorageUnavailable(f"cannot read {self._key}: {type(error).__name__}") from error
