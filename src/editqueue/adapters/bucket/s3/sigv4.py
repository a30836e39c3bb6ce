"""A presigned S3 URL that binds headers, which obstore's `sign` cannot.

AWS Signature Version 4 in the query string, as the S3 API Reference has it under "Authenticating Requests:
Using Query Parameters"; R2 takes the same.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str


def presigned(
    method: str, url: str, *, credentials: Credentials, headers: Mapping[str, str], now: datetime, expires_in: timedelta
) -> str:
    """`url` (percent-encoded, without a query) signed for whoever sends exactly `headers`."""
    parts = urlsplit(url)
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{credentials.region}/s3/aws4_request"
    signed = {"host": parts.netloc, **{name.lower(): value.strip() for name, value in headers.items()}}
    names = ";".join(sorted(signed))
    query = urlencode(
        {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(int(expires_in.total_seconds())),
            "X-Amz-SignedHeaders": names,
        },
        quote_via=quote,
        safe="",
    )
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    request = f"{method}\n{parts.path}\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
    signature = _signature(credentials, stamp, scope, request)
    return f"{url}?{query}&X-Amz-Signature={signature}"


def _signature(credentials: Credentials, stamp: str, scope: str, request: str) -> str:
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), sha256)
    text = "\n".join([_ALGORITHM, stamp, scope, sha256(request.encode()).hexdigest()])
    return hmac.new(key, text.encode(), sha256).hexdigest()
