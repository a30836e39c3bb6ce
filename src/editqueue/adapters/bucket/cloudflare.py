"""The bucket on a Worker: R2 through its binding; the signed URLs are those of R2's S3 side.

The binding has no server-side copy. A copy is R2's own stream handed back to R2: it passes through the
runtime's network, never through Python and never whole through memory.
"""

import re
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from editqueue.adapters.bucket.probing import try_out
from editqueue.adapters.bucket.s3.urls import S3Urls
from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.adapters.js_interop import first_line, js_exceptions, pieces_of, refused_by_type, without_none
from editqueue.domain.errors import ObjectMissing, PermanentError, StorageUnavailable
from editqueue.ports.bucket import ObjectInfo

MOST_KEYS: Final = 1000
"""Of one delete or one page of a list."""
_CODE: Final = re.compile(r"\((\d{5})\)\s*$")
_PERMANENT: Final = frozenset({"10002", "10003", "10006", "10020"})
"""Not authenticated, forbidden, no such bucket, invalid name (developers.cloudflare.com/r2/api/error-codes)."""


class StoredObject(Protocol):
    """An object of the binding; `body` is there only after a `get`, and only if that met its condition."""

    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...
    @property
    def uploaded(self) -> Any: ...
    @property
    def httpMetadata(self) -> Mapping[str, Any] | None: ...  # noqa: N802  # Cloudflare's name
    @property
    def customMetadata(self) -> Mapping[str, str] | None: ...  # noqa: N802
    @property
    def body(self) -> Any: ...


class R2Binding(Protocol):
    """What this bucket uses of the binding, as the Workers SDK shows it to Python."""

    async def head(self, key: str) -> StoredObject | None: ...
    async def get(self, key: str, **options: object) -> StoredObject | None: ...
    async def put(self, key: str, value: object, **options: object) -> StoredObject: ...
    async def delete(self, keys: list[str]) -> None: ...
    async def list(self, **options: object) -> Any: ...


class R2Bucket:
    """`list` is in R2's order, which is key order."""

    def __init__(self, binding: R2Binding, *, urls: S3Urls) -> None:
        self._binding = without_none(binding)
        self.name = urls.bucket
        self.sign_get, self.sign_put = urls.sign_get, urls.sign_put

    async def head(self, key: str) -> ObjectInfo:
        with _translate_errors(check_key(key)):
            found = await self._binding.head(key)
        return _info(_there(found, key))

    async def read(self, key: str) -> bytes:
        return b"".join([piece async for piece in self.stream(key)])

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        with _translate_errors(check_key(key)):
            found = _there(await self._binding.get(key), key)
            async for piece in pieces_of(found.body):
                yield piece

    async def read_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes:
        """Bytes of the object, which must reach beyond `start`; fewer at its end.

        With `etag`, of that version only: raises StorageUnavailable if the object was replaced.
        """
        with _translate_errors(key):
            return b"".join([piece async for piece in pieces_of(await self.open_range(key, start, length, etag=etag))])

    async def open_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> Any:
        """The runtime's own stream of these bytes, to hand to another binding unread; `etag` as for `read_range`."""
        with _translate_errors(key):
            found = await self._binding.get(key, range={"offset": start, "length": length}, **_only(etag))
        return _same(_there(found, key)).body

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        with _translate_errors(check_key(key)):
            written = await self._binding.put(key, body, httpMetadata={"contentType": content_type})
        _check_size(written, len(body), key)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        with _translate_errors(check_key(source)):
            check_key(target)
            found = _same(_there(await self._binding.get(source, **_only(etag)), source))
            written = await self._binding.put(
                target, found.body, httpMetadata=found.httpMetadata, customMetadata=found.customMetadata
            )
        _check_size(written, found.size, target)

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            check_key(key)
        for at in range(0, len(keys), MOST_KEYS):
            with _translate_errors(", ".join(keys)):
                await self._binding.delete(list(keys[at : at + MOST_KEYS]))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        root = prefix.removesuffix("/")
        if root:
            check_key(root)
        page: Mapping[str, Any] = {"truncated": True}
        while page["truncated"]:
            after = {"cursor": page["cursor"]} if page.get("cursor") else {}
            below = {"prefix": f"{root}/"} if root else {}
            with _translate_errors(prefix):
                page = await self._binding.list(limit=MOST_KEYS, **below, **after)
            for found in page["objects"]:
                yield _info(found, listed=True)

    async def remove_leftovers(self, *, before: datetime, thorough: bool = False) -> int:  # noqa: ARG002
        """Nothing to do: a put appears whole or not at all."""
        return 0

    async def now(self) -> datetime:
        return await try_out(self)

    async def probe(self) -> datetime:
        return await try_out(self)

    async def close(self) -> None:
        """Nothing to close: the runtime owns the binding."""


def _there(found: StoredObject | None, key: str) -> StoredObject:
    if found is None:
        raise ObjectMissing(key)
    return found


def _only(etag: str | None) -> dict[str, Any]:
    """The options of a `get` that wants this version, or any."""
    return {} if etag is None else {"onlyIf": {"etagMatches": etag}}


def _same(found: StoredObject) -> StoredObject:
    """Of another version than was asked for, R2 gives no body. In Pyodide what JavaScript lacks is no attribute."""
    if getattr(found, "body", None) is None:
        raise StorageUnavailable(f"{found.key} was replaced while it was read")
    return found


def _info(found: StoredObject, *, listed: bool = False) -> ObjectInfo:
    metadata = None if listed else found.httpMetadata
    return ObjectInfo(
        key=found.key,
        size=int(found.size),
        content_type=(metadata or {}).get("contentType"),
        last_modified=_moment(found.uploaded),
        etag=None if listed else found.etag,
    )


def _moment(uploaded: Any) -> datetime:
    """The SDK makes naive local times of dates, and leaves those in lists as JavaScript has them."""
    if isinstance(uploaded, datetime):
        return uploaded.astimezone(UTC)
    return datetime.fromtimestamp(uploaded.getTime() / 1000, UTC)


def _check_size(written: StoredObject, size: int, key: str) -> None:
    """Bindings have written cut and empty objects without an error before (workers-py#66)."""
    if written.size != size:
        raise StorageUnavailable(f"R2 wrote {written.size} of {size} bytes to {key!r}")


@contextmanager
def _translate_errors(key: str) -> Generator[None]:
    """Raise our errors instead of those of the runtime. All others pass unchanged."""
    try:
        yield
    except js_exceptions() as error:
        text = first_line(error)
        if refused_by_type(error):
            raise TypeError(f"R2, {key!r}: {text}") from error
        code = _CODE.search(text)
        if code is not None and code[1] in _PERMANENT:
            raise PermanentError(f"R2 cannot serve {key!r}: {text}") from error
        raise StorageUnavailable(f"R2 cannot serve {key!r}: {text}") from error
