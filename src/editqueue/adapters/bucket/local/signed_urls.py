"""Signed URLs for the objects that this program serves itself (local folder and memory).

The signature is HMAC-SHA256 over everything that it grants: method, key, expiry, and for an upload the
content type and the largest body.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, Literal, Self
from urllib.parse import quote, urlencode

from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import SetupError
from editqueue.ports.time import Clock

MIN_SECRET_BYTES: Final = 32
_PURPOSE: Final = b"editqueue object urls v1"

Method = Literal["GET", "PUT"]


class UrlRefused(Exception):
    """The URL grants nothing."""


class UrlForged(UrlRefused):
    """No signature, or one that was made for something else."""


class UrlExpired(UrlRefused):
    """A genuine signature, too late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What one signed URL allows, until `expires`."""

    method: Method
    key: str
    expires: int
    """Seconds since 1970 UTC."""
    content_type: str | None = None
    max_bytes: int | None = None

    @classmethod
    def from_query(cls, method: Method, key: str, query: Mapping[str, str]) -> Self:
        """Raises UrlForged for a query that no signer makes."""
        try:
            max_bytes = int(query["max_bytes"]) if "max_bytes" in query else None
            return cls(
                method=method,
                key=key,
                expires=int(query["expires"]),
                content_type=query.get("content_type"),
                max_bytes=max_bytes,
            )
        except (KeyError, ValueError) as error:
            raise UrlForged("this URL is not signed") from error

    def query(self) -> dict[str, str]:
        fields = {"expires": self.expires, "content_type": self.content_type, "max_bytes": self.max_bytes}
        return {name: str(value) for name, value in fields.items() if value is not None}


class UrlSigner:
    """Signs and verifies. The key is derived from `secret`: at least 32 bytes, may serve others, too."""

    def __init__(self, *, secret: str | bytes, clock: Clock) -> None:
        raw = secret.encode() if isinstance(secret, str) else secret
        if len(raw) < MIN_SECRET_BYTES:
            raise SetupError(f"the secret for signed URLs is shorter than {MIN_SECRET_BYTES} bytes")
        self._key = hmac.digest(raw, _PURPOSE, sha256)
        self._clock = clock

    def url_for_get(self, base_url: str, key: str, *, expires_in: timedelta) -> str:
        return self._url(base_url, Grant(method="GET", key=check_key(key), expires=self._end(expires_in)))

    def url_for_put(self, base_url: str, key: str, *, content_type: str, max_bytes: int, expires_in: timedelta) -> str:
        grant = Grant(
            method="PUT",
            key=check_key(key),
            expires=self._end(expires_in),
            content_type=content_type,
            max_bytes=max_bytes,
        )
        return self._url(base_url, grant)

    def verify(self, method: Method, key: str, query: Mapping[str, str]) -> Grant:
        """What the URL allows. Raises UrlForged or UrlExpired."""
        grant = Grant.from_query(method, key, query)
        if not hmac.compare_digest(self._signature(grant).encode(), query.get("signature", "").encode()):
            raise UrlForged("the signature does not belong to this URL and method")
        if self.remaining(grant) <= timedelta():
            raise UrlExpired("this URL has expired: ask for a new one")
        return grant

    def remaining(self, grant: Grant) -> timedelta:
        return timedelta(seconds=grant.expires - self._clock.now().timestamp())

    def _end(self, expires_in: timedelta) -> int:
        return int((self._clock.now() + expires_in).timestamp())

    def _url(self, base_url: str, grant: Grant) -> str:
        query = urlencode({**grant.query(), "signature": self._signature(grant)})
        return f"{base_url.rstrip('/')}/{quote(grant.key)}?{query}"

    def _signature(self, grant: Grant) -> str:
        parts = [grant.method, grant.key, grant.expires, grant.content_type, grant.max_bytes]
        return hmac.new(self._key, json.dumps(parts).encode(), sha256).hexdigest()
