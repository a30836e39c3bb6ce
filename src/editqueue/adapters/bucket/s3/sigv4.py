"""What obstore cannot sign: S3 URLs that bind headers, and requests with headers of our own.

AWS Signature Version 4, as the S3 API Reference has it under "Authenticating Requests"; R2 takes the same.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_NO_BODY: Final = sha256(b"").hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str


def presigned(
    method: str, url: str, *, credentials: Credentials, headers: Mapping[str, str], now: datetime, expires_in: timedelta
) -> str:
    """`url` (percent-encoded, without a query) signed for whoever sends exactly `headers`."""
    stamp, scope = _moment_and_scope(credentials, now)
    signed = _signable(url, headers)
    query = urlencode(
        {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(int(expires_in.total_seconds())),
            "X-Amz-SignedHeaders": ";".join(signed),
        },
        quote_via=quote,
        safe="",
    )
    request = _canonical(method, url, query, signed, "UNSIGNED-PAYLOAD")
    return f"{url}?{query}&X-Amz-Signature={_signature(credentials, stamp, scope, request)}"


def authorized(
    method: str, url: str, *, credentials: Credentials, headers: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """The headers of a request without a body to `url` (percent-encoded, without a query): `headers`, signed."""
    stamp, scope = _moment_and_scope(credentials, now)
    sent = {**headers, "X-Amz-Content-SHA256": _NO_BODY, "X-Amz-Date": stamp}
    signed = _signable(url, sent)
    signature = _signature(credentials, stamp, scope, _canonical(method, url, "", signed, _NO_BODY))
    granted = f"Credential={credentials.access_key_id}/{scope}, SignedHeaders={';'.join(signed)}"
    return {**sent, "Authorization": f"{_ALGORITHM} {granted}, Signature={signature}"}


def _moment_and_scope(credentials: Credentials, now: datetime) -> tuple[str, str]:
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return stamp, f"{stamp[:8]}/{credentials.region}/s3/aws4_request"


def _signable(url: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers as they are signed, the host among them: by name in small letters, in order."""
    named = {"host": urlsplit(url).netloc, **{name.lower(): value.strip() for name, value in headers.items()}}
    return dict(sorted(named.items()))


def _canonical(method: str, url: str, query: str, signed: Mapping[str, str], body_hash: str) -> str:
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    return f"{method}\n{urlsplit(url).path}\n{query}\n{lines}\n{';'.join(signed)}\n{body_hash}"


def _signature(credentials: Credentials, stamp: str, scope: str, request: str) -> str:
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), sha256)
    text = "\n".join([_ALGORITHM, stamp, scope, sha256(request.encode()).hexdigest()])
    return hmac.new(key, text.encode(), sha256).hexdigest()
