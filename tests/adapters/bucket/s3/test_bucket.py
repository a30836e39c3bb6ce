"""How the S3 adapter reads the answers of a server, and what it sends.

A scripted server stands in here for answers that no real one gives on demand; a real one runs the contract.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from devtools.own_postgres import free_port
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.adapters.bucket.s3.sigv4 import Credentials, presigned
from editqueue.adapters.bucket.s3.urls import r2_endpoint
from editqueue.domain.errors import ObjectMissing, PermanentError, SetupError, StorageUnavailable
from tests.adapters.aws_environment import AWS_ENVIRONMENT
from tests.adapters.bucket.s3.scripted_server import ScriptedServer, client_at

KEY = "user/1/orders/2/raw/a.jpg"


class May:
    def now(self) -> datetime:
        return datetime(2026, 5, 1, tzinfo=UTC)


def bucket_at(port: int) -> S3Bucket:
    return S3Bucket(client_at(port, max_retries=0), clock=May())


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_denied_access_names_the_settings(server: ScriptedServer, status: str) -> None:
    server.status = status
    with pytest.raises(PermanentError, match="R2_ACCESS_KEY_ID") as raised:
        await bucket_at(server.port).head(KEY)
    assert "secret'" not in str(raised.value)


@pytest.mark.parametrize("status", ["400 Bad Request", "501 Not Implemented"])
async def test_an_answer_that_comes_again_is_permanent(server: ScriptedServer, status: str) -> None:
    server.status = status
    with pytest.raises(PermanentError, match=KEY):
        await bucket_at(server.port).write(KEY, b"", content_type="image/jpeg")


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Oops", "503 Slow Down", "408 Late"])
async def test_an_answer_that_may_change_is_transient(server: ScriptedServer, status: str) -> None:
    server.status = status
    with pytest.raises(StorageUnavailable, match=str(server.port)):
        await bucket_at(server.port).copy(KEY, "user/1/orders/2/processed/a.jpg")


async def test_a_missing_bucket_is_no_missing_object(server: ScriptedServer) -> None:
    server.status, server.body = "404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>"
    with pytest.raises(PermanentError, match="EDITQUEUE_BUCKET_URL"):
        await bucket_at(server.port).read(KEY)
    server.body = "<Error><Code>NoSuchKey</Code></Error>"
    with pytest.raises(ObjectMissing):
        await bucket_at(server.port).read(KEY)


async def test_nobody_listening_is_transient_and_names_the_setting() -> None:
    with pytest.raises(StorageUnavailable, match="EDITQUEUE_S3_ENDPOINT"):
        await bucket_at(free_port()).read(KEY)


async def test_a_copy_is_the_servers_and_sends_no_acl(server: ScriptedServer) -> None:
    server.body = "<CopyObjectResult><ETag>1</ETag></CopyObjectResult>"
    await bucket_at(server.port).copy(KEY, "user/1/orders/2/processed/a.jpg")
    request = server.asked[0]
    assert request.startswith("put /media/user/1/orders/2/processed/a.jpg ")
    assert f"x-amz-copy-source: media/{KEY}" in request.replace(": /media", ": media")
    assert "acl" not in request
    assert "metadata-directive" not in request
    assert all(asked.startswith("head ") for asked in server.asked[1:])


@pytest.mark.parametrize("name", AWS_ENVIRONMENT)
async def test_the_environment_of_other_aws_tools_changes_nothing(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
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


async def test_an_r2_upload_url_signs_the_content_type() -> None:
    client = S3Client(bucket="b", endpoint=r2_endpoint("abc"), access_key_id="i", secret_access_key="s")
    bucket = S3Bucket(client, clock=May())
    signed = await bucket.sign_put(
        "user/a%7Cb/x.jpg", content_type="image/jpeg", max_bytes=1, expires_in=timedelta(minutes=5)
    )
    parts = urlsplit(signed.url)
    assert (parts.netloc, parts.path) == ("abc.r2.cloudflarestorage.com", "/b/user/a%257Cb/x.jpg")
    assert "X-Amz-SignedHeaders=content-type%3Bhost" in parts.query
    assert "X-Amz-Expires=300" in parts.query
    assert signed.headers == {"Content-Type": "image/jpeg"}


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
