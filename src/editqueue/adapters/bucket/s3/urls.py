"""Signed URLs of an S3 bucket, R2 included: pure Python, so that the Worker signs by the same code."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlsplit

from editqueue.adapters.bucket.s3.sigv4 import Credentials, presigned
from editqueue.adapters.bucket.upload_headers import upload_headers
from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import SetupError
from editqueue.ports.bucket import SignedPut
from editqueue.ports.time import Clock

_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}


def r2_endpoint(account_id: str, *, jurisdiction: str | None = None) -> str:
    """A bucket with a jurisdiction (`eu`, `fedramp`) is found at the endpoint of that jurisdiction alone."""
    place = f"{account_id}.{jurisdiction}" if jurisdiction else account_id
    return f"https://{place}.r2.cloudflarestorage.com"


def checked_endpoint(endpoint: str) -> str:
    """Raises SetupError for one that is not https (http is for this machine only).

    Every name under `.localhost` is this machine (RFC 6761), or a neighbour in its network of containers.
    """
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if parts.scheme == "https" or (parts.scheme == "http" and (host in _LOOPBACK or host.endswith(".localhost"))):
        return endpoint.rstrip("/")
    raise SetupError(f"EDITQUEUE_S3_ENDPOINT is {endpoint!r}: it must be https, or http on this machine")


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Urls:
    """The half of a `Bucket` that signs."""

    endpoint: str
    """As `checked_endpoint` returns it."""
    bucket: str
    credentials: Credentials
    clock: Clock

    def of(self, key: str) -> str:
        """Where the object is, unsigned."""
        return f"{self.endpoint}/{self.bucket}/{quote(check_key(key))}"

    async def sign_get(self, key: str, *, expires_in: timedelta) -> str:
        return self._signed("GET", key, headers={}, expires_in=expires_in)

    async def sign_put(
        self,
        key: str,
        *,
        content_type: str,
        max_bytes: int,  # noqa: ARG002  # S3 cannot bind a largest size; finalize looks at the object
        expires_in: timedelta,
    ) -> SignedPut:
        headers = upload_headers(content_type)
        return SignedPut(url=self._signed("PUT", key, headers=headers, expires_in=expires_in), headers=headers)

    def _signed(self, method: str, key: str, *, headers: Mapping[str, str], expires_in: timedelta) -> str:
        return presigned(
            method,
            self.of(key),
            credentials=self.credentials,
            headers=headers,
            now=self.clock.now(),
            expires_in=expires_in,
        )
