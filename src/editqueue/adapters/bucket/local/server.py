"""HTTP for the objects of a local or memory bucket: what their signed URLs point at, mounted at `/objects`.

It answers only to a valid signature. What it serves comes from customers, so no browser may run any of it.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final, Protocol, cast

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ExceptionHandler

from editqueue.adapters.bucket.local.signed_urls import Grant, Method, UrlExpired, UrlForged, UrlSigner
from editqueue.adapters.bucket.local.uploads import TooManyUploads, Uploads, UploadTooSlow
from editqueue.adapters.bucket.upload_headers import WRITTEN_ONCE
from editqueue.domain.errors import (
    EditQueueError,
    ObjectExists,
    ObjectMissing,
    PermanentError,
    StorageUnavailable,
    TooLarge,
)
from editqueue.ports.bucket import Bucket, ObjectInfo

MOST_DIGITS: Final = 18
"""Of a position in an object or its length; Python itself makes no number of more than 4,300."""
_RANGE: Final = re.compile(rf"bytes=([0-9]{{0,{MOST_DIGITS}}})-([0-9]{{0,{MOST_DIGITS}}})")
_UNTRUSTED: Final = {
    "Content-Disposition": "inline",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Accept-Ranges": "bytes",
}
_PROBLEMS: Final[Mapping[type[Exception], tuple[int, str, str | None]]] = {
    UrlExpired: (403, "url_expired", None),
    UrlForged: (403, "url_forged", None),
    ObjectMissing: (404, ObjectMissing.code, None),
    PermanentError: (400, PermanentError.code, "this key cannot be an object"),
    UploadTooSlow: (408, "upload_too_slow", None),
    ObjectExists: (412, ObjectExists.code, "there is an object already, and it is written once"),
    TooLarge: (413, TooLarge.code, None),
    TooManyUploads: (429, "too_many_uploads", None),
    StorageUnavailable: (503, StorageUnavailable.code, "the storage is away; try again soon"),
    Exception: (500, "internal", "something went wrong on our side; it has been logged"),
}
"""Status, code, and what a customer may read where the error tells of our own folders and the state of our disks."""
_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    408: {"Connection": "close"},  # the rest of the body may never come
    429: {"Retry-After": "5"},
}

Report = Callable[[EditQueueError], None]


class ServedBucket(Bucket, Protocol):
    """A bucket that can be put behind HTTP."""

    def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]: ...

    async def receive(self, key: str, pieces: AsyncIterator[bytes], *, content_type: str) -> None:
        """Write what `pieces` brings, all or nothing. Raises ObjectExists where there is an object already."""
        ...


def create_object_app(
    bucket: ServedBucket,
    signer: UrlSigner,
    *,
    allowed_origins: Sequence[str] = (),
    report: Report | None = None,
    uploads: Uploads | None = None,
) -> Starlette:
    """`signer` must be the one that `bucket` signs with; `allowed_origins` are the pages that may upload.

    `report` is told of every failure that is ours, whole; the client learns only that there was one.
    """
    objects = _Objects(bucket, signer, uploads or Uploads())

    def problem(_: Request, error: Exception) -> Response:
        if report is not None and isinstance(error, StorageUnavailable):
            report(error)
        return _problem(error)

    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(allowed_origins),
        allow_credentials=True,
        allow_methods=["GET", "HEAD", "PUT"],
        allow_headers=["Content-Type", "Range", *WRITTEN_ONCE],
    )
    return Starlette(
        routes=[
            Route("/{key:path}", objects.get, methods=["GET", "HEAD"]),
            Route("/{key:path}", objects.put, methods=["PUT"]),
        ],
        middleware=[cors] if allowed_origins else [],
        exception_handlers={kind: cast("ExceptionHandler", problem) for kind in (*_PROBLEMS, HTTPException)},
    )


class _Objects:
    def __init__(self, bucket: ServedBucket, signer: UrlSigner, uploads: Uploads) -> None:
        self._bucket = bucket
        self._signer = signer
        self._uploads = uploads

    async def get(self, request: Request) -> Response:
        grant = self._verify("GET", request)
        info = await self._bucket.head(grant.key)
        start, end = _requested(request.headers.get("Range"), info.size)
        partial = request.method == "GET" and (start, end) != (0, info.size)
        headers = self._headers(grant, info, start, end) if partial else self._headers(grant, info)
        if request.method == "HEAD":
            return Response(headers=headers)
        pieces = self._bucket.stream(grant.key, start=start, end=end if partial else None)
        return StreamingResponse(pieces, status_code=206 if partial else 200, headers=headers)

    async def put(self, request: Request) -> Response:
        grant = self._verify("PUT", request)
        max_bytes, content_type = grant.max_bytes, grant.content_type
        if max_bytes is None or content_type is None:
            raise UrlForged("this URL is not signed for an upload")
        _confirm_headers(request.headers, content_type)
        declared = request.headers.get("Content-Length", "")
        if declared.isdecimal() and (len(declared) > MOST_DIGITS or int(declared) > max_bytes):
            raise _too_large(max_bytes)
        if await self._is_there(grant.key):
            raise ObjectExists(grant.key)
        try:
            with self._uploads.one_more(grant):
                pieces = _limited(self._uploads.in_time(request.stream()), max_bytes)
                await self._bucket.receive(grant.key, pieces, content_type=content_type)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it; nothing was written
        return Response(status_code=200)

    async def _is_there(self, key: str) -> bool:
        """Asked before the body comes, which is then not taken in for nothing."""
        try:
            await self._bucket.head(key)
        except ObjectMissing:
            return False
        return True

    def _verify(self, method: Method, request: Request) -> Grant:
        return self._signer.verify(method, request.path_params["key"], request.query_params)

    def _headers(self, grant: Grant, info: ObjectInfo, start: int = 0, end: int | None = None) -> dict[str, str]:
        seconds = max(0, int(self._signer.remaining(grant).total_seconds()))
        stop = info.size if end is None else end
        span = {} if end is None else {"Content-Range": f"bytes {start}-{stop - 1}/{info.size}"}
        return {
            **_UNTRUSTED,
            **span,
            "Content-Type": info.content_type or "application/octet-stream",
            "Content-Length": str(stop - start),
            "Cache-Control": f"private, max-age={seconds}",
        }


def _confirm_headers(headers: Headers, content_type: str) -> None:
    if headers.get("Content-Type") != content_type:
        raise HTTPException(415, f"this URL takes Content-Type: {content_type}")
    for name, value in WRITTEN_ONCE.items():
        if headers.get(name) != value:
            raise HTTPException(428, f"send the header {name}: {value}, as it was given with this URL")
    if "Content-Range" in headers:  # RFC 9110, 14.5
        raise HTTPException(400, "an object is written whole: send all of it, without Content-Range")


async def _limited(pieces: AsyncIterator[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """`pieces`, or TooLarge as soon as they are more than `max_bytes` together."""
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes)
        yield piece


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"the body is over the {max_bytes} bytes that were signed")


def _requested(header: str | None, size: int) -> tuple[int, int]:
    """First byte and the one after the last; a header that is not one plain range is ignored."""
    found = _RANGE.fullmatch(header or "")
    if found is None or found.group() == "bytes=-":
        return 0, size
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size or start >= end:
        raise HTTPException(416, "no such bytes", headers={"Content-Range": f"bytes */{size}"})
    return start, end


def _problem(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        status, code, detail, headers = error.status_code, "request_refused", error.detail, error.headers
    else:
        status, code, shown = next(problem for kind, problem in _PROBLEMS.items() if isinstance(error, kind))
        detail, headers = shown or str(error), _HEADERS.get(status)
    return JSONResponse(
        {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail},
        status_code=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type="application/problem+json",
    )
