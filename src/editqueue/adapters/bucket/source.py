"""How image worker processes read the bucket: each fetches for itself, so no megabytes are pickled to it."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import LocalStore, S3Store

from editqueue.domain.errors import ObjectMissing, StorageUnavailable
from editqueue.ports.bucket import Waiting

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta  # exist in its stubs only


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceConfig:
    """How a worker opens the bucket: a `folder`, or an S3 `bucket` with its client `options`."""

    folder: str | None = None
    bucket: str | None = None
    endpoint: str = ""
    region: str = "auto"
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """`access_key_id` and `secret_access_key`; never logged."""
    timeout: timedelta = timedelta(seconds=60)
    """Of one request, its body included, and of the time in which it is tried again."""
    patience: timedelta = timedelta(seconds=120)
    """For all requests of one file; no new one begins after it."""

    @property
    def longest(self) -> timedelta:
        """Until every wait for one file has ended: the last request may begin late and be tried again."""
        return self.patience + 2 * self.timeout

    def open(self, key: str, *, waiting: Waiting = nullcontext) -> "StoredObject":
        return StoredObject(_store(self._identity()), key, patience=self.patience.total_seconds(), waiting=waiting)

    def _identity(self) -> "_Identity":
        secrets = tuple(sorted(self.secrets.items()))
        return (self.folder, self.bucket, self.endpoint, self.region, secrets, self.timeout.total_seconds())


_Identity = tuple[str | None, str | None, str, str, tuple[tuple[str, str], ...], float]


@lru_cache(maxsize=4)
def _store(identity: _Identity) -> LocalStore | S3Store:
    folder, bucket, endpoint, region, secrets, timeout = identity
    if folder is not None:
        return LocalStore(folder)
    keys = dict(secrets)
    return S3Store(
        bucket or "",
        # Whatever is not said here, obstore takes from AWS_* variables, which are other tools'.
        config={
            "endpoint": endpoint,
            "region": region,
            "skip_signature": False,
            "s3_express": False,
            "virtual_hosted_style_request": False,
        },
        credential_provider=lambda: {
            "access_key_id": keys["access_key_id"],
            "secret_access_key": keys["secret_access_key"],
            "expires_at": None,
        },
        client_options={
            "timeout": timedelta(seconds=timeout),
            "connect_timeout": timedelta(seconds=min(timeout, 5)),
            "allow_http": True,
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=timeout)},
    )


class StoredObject:
    """`ByteSource` on an object store. Whoever replaces the object between two reads makes the second fail."""

    def __init__(self, store: LocalStore | S3Store, key: str, *, patience: float, waiting: Waiting) -> None:
        self._store = store
        self._key = key
        self._size: int | None = None
        self._tag: str | None = None
        self._waiting = waiting
        self._patience = patience
        self._ends = time.monotonic() + patience
        self.bytes_read = 0

    def size(self) -> int:
        if self._size is None:
            with self._asking():
                self._learn(obstore.head(self._store, self._key))
        return self._size or 0

    def read(self, start: int, length: int) -> bytes:
        if self._size is None and start > 0:
            self.size()
        if self._size is not None:
            length = min(length, self._size - start)
        return self._get(start, length) if length > 0 else b""

    def read_all(self) -> bytes:
        return self.read(0, self.size())

    def _get(self, start: int, length: int) -> bytes:
        try:
            with self._asking():
                got = obstore.get(self._store, self._key, options=self._options(start, length))
                self._learn(got.meta)
                body = bytes(got.bytes())
        except StorageUnavailable:
            if self._size is None and self.size() == 0:  # no range of an empty file can be satisfied
                return b""
            raise
        self.bytes_read += len(body)
        expected = min(length, self.size() - start)
        if len(body) != expected:
            raise StorageUnavailable(f"{self._key}: got {len(body)} of {expected} bytes")
        return body

    def _options(self, start: int, length: int) -> "GetOptions":
        asked: GetOptions = {"range": (start, start + length)}
        return {**asked, "if_match": self._tag} if self._tag else asked

    def _learn(self, meta: "ObjectMeta") -> None:
        self._size, self._tag = meta["size"], meta["e_tag"]

    @contextmanager
    def _asking(self) -> Generator[None]:
        """Around one request. Raises ObjectMissing, and StorageUnavailable for everything else."""
        if time.monotonic() > self._ends:
            raise StorageUnavailable(f"{self._key}: not read after {self._patience:g} s")
        try:
            with self._waiting():
                yield
        except FileNotFoundError as error:
            raise ObjectMissing(self._key) from error
        except PreconditionError as error:
            raise StorageUnavailable(f"{self._key} was replaced while it was read") from error
        except (BaseError, OSError) as error:
            raise StorageUnavailable(f"cannot read {self._key}: {type(error).__name__}") from error
