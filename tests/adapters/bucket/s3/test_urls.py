"""Signed URLs in pure Python, against the signatures of botocore and obstore for the same request."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import obstore
import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from obstore.store import S3Store

from devtools.seeds import NOON
from devtools.world import SteppingClock
from editqueue.adapters.bucket.s3.sigv4 import Credentials
from editqueue.adapters.bucket.s3.urls import S3Urls, checked_endpoint, r2_endpoint
from editqueue.domain.errors import SetupError
from editqueue.domain.keys import ObjectKeys

ENDPOINT = r2_endpoint("0" * 32)
KEYS = ObjectKeys("auth0|mü.ller/..", "order 7", "IMG_1-0a1b2c.jpg")
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
FIVE_MINUTES = timedelta(minutes=5)


def signing_at(now: datetime) -> S3Urls:
    credentials = Credentials(access_key_id="AKID", secret_access_key=SECRET, region="auto")
    return S3Urls(endpoint=ENDPOINT, bucket="media", credentials=credentials, clock=SteppingClock(now))


def parts(url: str) -> tuple[str, str, dict[str, str]]:
    split = urlsplit(url)
    return split.netloc, split.path, dict(parse_qsl(split.query))


@pytest.fixture
def boto_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "get_current_datetime", lambda: NOON.replace(tzinfo=None))


def by_botocore(method: str, url: str, headers: dict[str, str]) -> str:
    request = AWSRequest(method=method, url=url.partition("?")[0], headers=headers)
    auth.S3SigV4QueryAuth(BotoCredentials("AKID", SECRET), "s3", "auto", expires=300).add_auth(request)
    return str(request.url)


@pytest.mark.usefixtures("boto_noon")
@pytest.mark.parametrize("key", [KEYS.raw, KEYS.preview, "plain.jpg", "ä ö+ü/&=~.jpg"])
async def test_a_get_is_signed_as_botocore_signs_it(key: str) -> None:
    url = await signing_at(NOON).sign_get(key, expires_in=FIVE_MINUTES)

    assert parts(url) == parts(by_botocore("GET", url, {}))


@pytest.mark.usefixtures("boto_noon")
async def test_a_put_binds_its_headers_as_botocore_does() -> None:
    signed = await signing_at(NOON).sign_put(KEYS.raw, content_type="image/heic", max_bytes=1, expires_in=FIVE_MINUTES)

    assert signed.headers == {"Content-Type": "image/heic", "If-None-Match": "*"}
    assert parts(signed.url) == parts(by_botocore("PUT", signed.url, dict(signed.headers)))
    assert parts(signed.url)[2]["X-Amz-SignedHeaders"] == "content-type;host;if-none-match"


@pytest.mark.parametrize("key", [KEYS.preview, "plain.jpg"])
async def test_a_get_is_signed_as_obstore_signs_it(key: str) -> None:
    store = S3Store("media", endpoint=ENDPOINT, region="auto", access_key_id="AKID", secret_access_key=SECRET)
    theirs = parts(obstore.sign(store, "GET", key, FIVE_MINUTES))
    moment = datetime.strptime(theirs[2]["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    assert parts(await signing_at(moment).sign_get(key, expires_in=FIVE_MINUTES)) == theirs


def test_every_name_under_localhost_is_this_machine_to_a_browser_and_so_to_the_bucket() -> None:
    assert checked_endpoint("http://s3.localhost:8333") == "http://s3.localhost:8333"
    with pytest.raises(SetupError):
        checked_endpoint("http://localhost.example")


@pytest.mark.parametrize("endpoint", ["http://example.com", "ftp://127.0.0.1", "r2.example"])
def test_an_endpoint_in_the_clear_is_for_this_machine_only(endpoint: str) -> None:
    assert checked_endpoint("http://127.0.0.1:8333/") == "http://127.0.0.1:8333"
    with pytest.raises(SetupError, match="EDITQUEUE_S3_ENDPOINT"):
        checked_endpoint(endpoint)
