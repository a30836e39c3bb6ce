"""How the S3 adapter reads the answers of a server, and what it sends.

A scripted server stands in here for answers that no real one gives on demand; a real one runs the contract.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from devtools.own_postgres import free_port
from editqueue.adapters.bucket.probing import try_out
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.adapters.bucket.s3.sigv4 import Credentials, presigned
from editqueue.adapters.bucket.s3.urls import r2_endpoint
from editqueue.domain.errors import ObjectMissing, PermanentError, ProcessingError, SetupError, StorageUnavailable
from tests.adapters.aws_environment import AWS_ENVIRONMENT
from tests.adapters.bucket.s3.conftest import Opens
from tests.adapters.bucket.s3.scripted_server import ScriptedServer, client_at

KEY = "user/1/orders/2/raw/a.jpg"
PROCESSED = "user/1/orders/2/processed/a.jpg"
COPIED = "<CopyObjectResult><ETag>1</ETag></CopyObjectResult>"


class May:
    def now(self) -> datetime:
        return datetime(2026, 5, 1, tzinfo=UTC)


At = Callable[[int], S3Bucket]


@pytest.fixture(name="bucket_at")
def _bucket_at(opens: Opens) -> At:
    return lambda port: opens(client_at(port, max_retries=0), May())


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_denied_access_names_the_settings(server: ScriptedServer, bucket_at: At, status: str) -> None:
    server.status = status
    with pytest.raises(PermanentError, match="R2_ACCESS_KEY_ID") as raised:
        await bucket_at(server.port).head(KEY)
    assert "secret'" not in str(raised.value)


@pytest.mark.parametrize("status", ["400 Bad Request", "501 Not Implemented"])
async def test_an_answer_that_comes_again_is_permanent(server: ScriptedServer, bucket_at: At, status: str) -> None:
    server.status = status
    with pytest.raises(PermanentError, match=KEY):
        await bucket_at(server.port).write(KEY, b"", content_type="image/jpeg")


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Oops", "503 Slow Down", "408 Late"])
async def test_an_answer_that_may_change_is_transient(server: ScriptedServer, bucket_at: At, status: str) -> None:
    server.status = status
    with pytest.raises(StorageUnavailable, match=str(server.port)):
        await bucket_at(server.port).copy(KEY, "user/1/orders/2/processed/a.jpg")


async def test_a_missing_bucket_is_no_missing_object(server: ScriptedServer, bucket_at: At) -> None:
    server.status, server.body = "404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>"
    with pytest.raises(PermanentError, match="EDITQUEUE_BUCKET_URL"):
        await bucket_at(server.port).read(KEY)
    server.body = "<Error><Code>NoSuchKey</Code></Error>"
    with pytest.raises(ObjectMissing):
        await bucket_at(server.port).read(KEY)


async def test_nobody_listening_is_transient_and_names_the_setting(bucket_at: At) -> None:
    with pytest.raises(StorageUnavailable, match="EDITQUEUE_S3_ENDPOINT"):
        await bucket_at(free_port()).read(KEY)


async def test_a_copy_is_one_request_of_the_version_that_was_looked_at_and_sends_no_acl(
    server: ScriptedServer, bucket_at: At
) -> None:
    server.body = COPIED
    await bucket_at(server.port).copy(KEY, PROCESSED, etag='"0123"')
    [request] = server.asked
    assert request.startswith("put /media/user/1/orders/2/processed/a.jpg ")
    assert f"x-amz-copy-source: media/{KEY}\r" in request
    assert 'x-amz-copy-source-if-match: "0123"\r' in request
    assert "acl" not in request
    assert "metadata-directive" not in request


async def test_a_copy_that_fails_after_200_was_said_is_tried_again_and_never_taken_for_done(
    server: ScriptedServer, opens: Opens
) -> None:
    server.body = "<?xml?><Error><Code>InternalError</Code><Message>We encountered one.</Message></Error>"
    client = client_at(server.port, max_retries=2, longest_pause=timedelta(milliseconds=1))
    with pytest.raises(StorageUnavailable, match="InternalError"):
        await opens(client, May()).copy(KEY, PROCESSED)
    assert len(server.asked) == 3


@pytest.mark.parametrize("passing", [b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b""])
async def test_a_copy_survives_what_passes(server: ScriptedServer, opens: Opens, passing: bytes) -> None:
    server.first, server.body = [passing], COPIED
    client = client_at(server.port, longest_pause=timedelta(milliseconds=1))
    await opens(client, May()).copy(KEY, PROCESSED, etag='"1"')
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", ["412 Precondition Failed", "403 Forbidden", "301 Moved"])
async def test_a_copy_that_would_fail_again_is_asked_for_once(
    server: ScriptedServer, opens: Opens, status: str
) -> None:
    server.status = status
    client = client_at(server.port, longest_pause=timedelta(milliseconds=1))
    with pytest.raises(ProcessingError, match=KEY):
        await opens(client, May()).copy(KEY, PROCESSED, etag='"1"')
    assert len(server.asked) == 1


async def test_no_retry_of_a_copy_begins_too_late(server: ScriptedServer, opens: Opens) -> None:
    server.status = "503 Slow Down"
    client = replace(client_at(server.port), retry_timeout=timedelta())
    with pytest.raises(StorageUnavailable):
        await opens(client, May()).copy(KEY, PROCESSED)
    assert len(server.asked) == 1


async def test_a_probe_of_a_server_that_never_answers_ends(server: ScriptedServer, bucket_at: At) -> None:
    server.raw, server.hangs = b"", True
    with pytest.raises(StorageUnavailable, match=r"media.*did not answer within 0\.1 s"):
        await try_out(bucket_at(server.port), patience=timedelta(seconds=0.1))


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        ("403 Forbidden", "", PermanentError),
        ("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>", PermanentError),
        ("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>", StorageUnavailable),
        ("503 Slow Down", "", StorageUnavailable),
    ],
)
async def test_a_probe_tells_what_may_pass_from_what_never_will(
    server: ScriptedServer, bucket_at: At, status: str, body: str, meant: type[Exception]
) -> None:
    server.status, server.body = status, body
    with pytest.raises(meant):
        await bucket_at(server.port).probe()


async def test_a_probe_goes_the_way_of_copies_too(server: ScriptedServer, bucket_at: At) -> None:
    plain = b"HTTP/1.1 200 OK\r\nETag: 1\r\nLast-Modified: Fri, 01 May 2026 00:00:00 GMT\r\nConnection: close\r\n"
    server.first = [plain + b"Content-Length: 0\r\n\r\n"] * 2
    server.status, server.body = "403 Forbidden", "<Error><Code>RequestTimeTooSkewed</Code></Error>"

    with pytest.raises(StorageUnavailable, match="the clock of this machine is off"):
        await bucket_at(server.port).probe()

    assert "x-amz-copy-source" in server.asked[2]


@pytest.mark.parametrize("name", AWS_ENVIRONMENT)
async def test_the_environment_of_other_aws_tools_changes_nothing(
    server: ScriptedServer, bucket_at: At, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, AWS_ENVIRONMENT[name])
    await bucket_at(server.port).write(KEY, b"", content_type="image/jpeg")
    assert server.asked[0].startswith(f"put /media/{KEY} ")
    assert f"host: 127.0.0.1:{server.port}\r" in server.asked[0]
    assert "credential=id/" in server.asked[0]
    assert "/auto/s3/aws4_request" in server.asked[0]
    assert "security-token" not in server.asked[0]


@pytest.mark.parametrize("endpoint", ["http://example.com", "ftp://127.0.0.1", "127.0.0.1:9000", ""])
def test_an_endpoint_without_encryption_is_refused(endpoint: str) -> None:
    with pytest.raises(SetupError, match="EDITQUEUE_S3_ENDPOINT"):
        S3Client(bucket="b", endpoint=endpoint, access_key_id="i", secret_access_key="s")


async def test_an_r2_upload_url_signs_the_headers() -> None:
    client = S3Client(bucket="b", endpoint=r2_endpoint("abc"), access_key_id="i", secret_access_key="s")
    bucket = S3Bucket(client, clock=May(), system=May())
    signed = await bucket.sign_put(
        "user/a%7Cb/x.jpg", content_type="image/jpeg", max_bytes=1, expires_in=timedelta(minutes=5)
    )
    parts = urlsplit(signed.url)
    assert (parts.netloc, parts.path) == ("abc.r2.cloudflarestorage.com", "/b/user/a%257Cb/x.jpg")
    assert "X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match&" in parts.query
    assert "X-Amz-Expires=300" in parts.query
    assert signed.headers == {"Content-Type": "image/jpeg", "If-None-Match": "*"}


def test_a_bucket_with_a_jurisdiction_has_an_endpoint_of_its_own() -> None:
    assert r2_endpoint("abc", jurisdiction="eu") == "https://abc.eu.r2.cloudflarestorage.com"
    assert r2_endpoint("abc") == "https://abc.r2.cloudflarestorage.com"


def test_a_presigned_url_is_the_one_in_the_s3_reference() -> None:
    """The worked example of "Authenticating Requests: Using Query Parameters" in the S3 API Reference."""
    url = presigned(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        credentials=Credentials(
            access_key_id="AKIAIOSFODNN7EXAMPLE",
            secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            region="us-east-1",
        ),
        headers={},
        now=datetime(2013, 5, 24, tzinfo=UTC),
        expires_in=timedelta(days=1),
    )
    assert url.endswith("Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


def test_credentials_do_not_print_their_secret() -> None:
    credentials = Credentials(access_key_id="id", secret_access_key="hidden", region="auto")
    assert "hidden" not in f"{credentials!r} {credentials}"
