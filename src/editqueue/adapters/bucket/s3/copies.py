"""Server-side copies that may be of one version only, which obstore's copy has no word for.

One signed CopyObject a copy, with the patience, the retries and the errors of the client that obstore has.
"""

import asyncio
import re
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import httpx

from editqueue.adapters.bucket.s3.client import FIRST_PAUSE, S3Client, comes_again
from editqueue.adapters.bucket.s3.sigv4 import authorized
from editqueue.adapters.bucket.s3.urls import S3Urls
from editqueue.ports.time import Clock

KEPT_ALIVE: Final = 90.0
"""Seconds for which an idle connection is kept for the next copy: as long as obstore keeps its own."""
_CODE: Final = re.compile(r"<Code>([^<]*)</Code>")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """`status` is None where no answer came."""

    status: int | None
    said: str
    missing: bool = False


class S3Copies:
    """The connections are opened by the first copy and live until `close`."""

    def __init__(self, client: S3Client, urls: S3Urls, *, clock: Clock) -> None:
        """`clock` is the one by which obstore signs, too: the system's."""
        self._client = client
        self._urls = urls
        self._clock = clock
        self._http: httpx.AsyncClient | None = None

    async def copy(self, source: str, target: str, *, etag: str | None) -> None:
        """Raises as a bucket does; with `etag`, StorageUnavailable if `source` is another version."""
        url, headers = self._urls.of(target), {"X-Amz-Copy-Source": quote(f"{self._client.bucket}/{source}")}
        if etag is not None:
            headers["X-Amz-Copy-Source-If-Match"] = etag
        began, pause = time.monotonic(), FIRST_PAUSE
        for retries_left in reversed(range(1 + self._client.max_retries)):
            answer = await self._asked(url, headers)
            if answer.status == HTTPStatus.OK:
                return
            if comes_again(answer.status) or not retries_left or self._is_late(began):
                raise self._client.error_for(answer.status, answer.said, source, missing=answer.missing)
            await asyncio.sleep(min(pause, self._client.longest_pause).total_seconds())
            pause *= 2

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _asked(self, url: str, headers: dict[str, str]) -> _Answer:
        credentials, seconds = self._urls.credentials, self._client.timeout.total_seconds()
        signed = authorized("PUT", url, credentials=credentials, headers=headers, now=self._clock.now())
        try:
            async with asyncio.timeout(seconds):
                answer = await self._connections().put(url, headers=signed)
        except TimeoutError:
            return _Answer(status=None, said=f"no answer within {seconds:g} s")
        except httpx.RequestError as error:
            return _Answer(status=None, said=f"{type(error).__name__}: {str(error).rstrip('.')}")
        return _read(answer)

    def _connections(self) -> httpx.AsyncClient:
        if self._http is None:
            seconds = self._client.timeout.total_seconds()
            self._http = httpx.AsyncClient(
                timeout=httpx.Timeout(seconds, connect=min(5.0, seconds)),
                limits=httpx.Limits(keepalive_expiry=KEPT_ALIVE),
                verify=ssl.create_default_context(),  # the system's certificates, as obstore; httpx has its own
            )
        return self._http

    def _is_late(self, began: float) -> bool:
        longest = self._client.retry_timeout
        return longest is not None and time.monotonic() - began > longest.total_seconds()


def _read(answer: httpx.Response) -> _Answer:
    """S3 may find out that a copy fails when it has said 200 already: then the error is in the body."""
    status, body = answer.status_code, answer.text
    if status == HTTPStatus.OK and "CopyObjectResult" not in body:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = _CODE.search(body)
    named = code[1] if code else answer.reason_phrase
    missing = status == HTTPStatus.NOT_FOUND and named == "NoSuchKey"
    return _Answer(status=status, said=f"the copy was answered with {status} {named}", missing=missing)
