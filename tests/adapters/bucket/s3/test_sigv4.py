"""Our presigned URLs against those of Amazon's own library."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials
from hypothesis import given
from hypothesis import strategies as st

from editqueue.adapters.bucket.s3.sigv4 import Credentials, authorized, presigned

NOW = datetime(2026, 11, 24, 12, 30, 5, tzinfo=UTC)
OURS = Credentials(access_key_id="AKIDEXAMPLE", secret_access_key="wJalr+XUtn/FEMI", region="auto")


@pytest.fixture(scope="module", autouse=True)
def _one_moment() -> Iterator[None]:
    """Both sign for the same moment."""

    def now(**_: object) -> datetime:
        return NOW.replace(tzinfo=None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", now)
        yield


def theirs(method: str, url: str, headers: dict[str, str], expires_in: timedelta) -> str:
    request: Any = AWSRequest(method=method, url=url, headers=headers)
    credentials = TheirCredentials(OURS.access_key_id, OURS.secret_access_key)
    signer: Any = S3SigV4QueryAuth(credentials, "s3", OURS.region, expires=int(expires_in.total_seconds()))
    signer.add_auth(request)
    return str(request.url)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\", exclude_categories=("C", "Z")), min_size=1)


@given(
    name=NAMES,
    method=st.sampled_from(["GET", "PUT"]),
    headers=st.sampled_from([{}, {"Content-Type": "image/jpeg", "If-None-Match": "*"}, {"Content-Type": "video/mp4"}]),
    expires_in=st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=7)),
    host=st.sampled_from(["abc.eu.r2.cloudflarestorage.com", "127.0.0.1:8333"]),
)
def test_the_signature_is_the_one_botocore_makes(
    name: str, method: str, headers: dict[str, str], expires_in: timedelta, host: str
) -> None:
    url = f"https://{host}/piximmo-media/user/anna/orders/1/raw/{quote(name)}"

    ours = presigned(method, url, credentials=OURS, headers=headers, now=NOW, expires_in=expires_in)

    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(theirs(method, url, headers, expires_in)).query)
    assert urlsplit(ours).path == urlsplit(url).path


@given(name=NAMES, source=NAMES, etag=st.sampled_from([None, '"0123"', '"0123-4"']))
def test_the_headers_of_a_request_are_signed_as_botocore_signs_them(name: str, source: str, etag: str | None) -> None:
    url = f"https://abc.eu.r2.cloudflarestorage.com/piximmo-media/user/anna/orders/1/raw/{quote(name)}"
    headers = {"X-Amz-Copy-Source": quote(f"piximmo-media/{source}")}
    if etag is not None:
        headers["X-Amz-Copy-Source-If-Match"] = etag

    ours = authorized("PUT", url, credentials=OURS, headers=headers, now=NOW)

    request: Any = AWSRequest(method="PUT", url=url, headers=headers, data=b"")
    credentials = TheirCredentials(OURS.access_key_id, OURS.secret_access_key)
    signer: Any = S3SigV4Auth(credentials, "s3", OURS.region)
    signer.add_auth(request)
    sent = {header.lower(): value for header, value in ours.items()}
    assert sent == {header.lower(): str(value) for header, value in request.headers.items()}
