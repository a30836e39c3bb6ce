"""The S3 adapter and a real server: what goes over the wire, who checks the signatures, what copies keep."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import httpx
import pytest
from botocore.config import Config

from devtools.seaweed import S3Server
from devtools.wire import Wire, wire_to
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.domain.errors import ObjectMissing, PermanentError, StorageUnavailable
from editqueue.domain.ids import new_id
from tests.adapters.bucket.s3.conftest import Opens

MINUTES = timedelta(minutes=5)


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Given:
    bucket: S3Bucket
    wire: Wire
    prefix: str
    """Of this test alone; what is below it is removed at the end."""


def bucket_of(server: S3Server) -> S3Bucket:
    return S3Bucket(replace(server.client(), max_retries=0, timeout=timedelta(seconds=10)), clock=Now(), system=Now())


@pytest.fixture(name="given")
async def _given(s3_server: S3Server) -> AsyncIterator[Given]:
    """A bucket at the far end of a wire that is listened to."""
    port = urlsplit(s3_server.endpoint).port
    assert port is not None
    prefix = f"user/{new_id()}/orders/1"
    async with wire_to("127.0.0.1", port) as wire:
        through = bucket_of(replace(s3_server, endpoint=f"http://127.0.0.1:{wire.port}"))
        yield Given(bucket=through, wire=wire, prefix=prefix)
        await through.close()
    bucket = bucket_of(s3_server)
    await bucket.delete([info.key async for info in bucket.list(prefix)])


def peer(server: S3Server) -> Any:
    """Amazon's own client, which has no types, as somebody else would use the same bucket."""
    session: Any = botocore.session.get_session()  # pyright: ignore[reportUnknownMemberType]  # untyped
    return session.create_client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


async def test_a_copy_is_the_servers_keeps_type_and_metadata_and_sends_no_acl(
    given: Given, s3_server: S3Server
) -> None:
    raw, processed = f"{given.prefix}/raw/küche a.jpg", f"{given.prefix}/processed/küche a.jpg"
    body = bytes(range(256)) * 40_000
    client = peer(s3_server)
    client.put_object(
        Bucket=s3_server.bucket, Key=raw, Body=body, ContentType="image/x-canon-cr2", Metadata={"kamera": "EOS R5"}
    )

    await given.bucket.copy(raw, processed, etag=(await given.bucket.head(raw)).etag)

    found = client.get_object(Bucket=s3_server.bucket, Key=processed)
    assert found["Body"].read() == body
    assert (found["ContentType"], found["Metadata"]) == ("image/x-canon-cr2", {"kamera": "EOS R5"})
    said = b"".join(given.wire.sent)
    assert len(said) < 10_000, "the bytes of the original went over the wire"
    assert b"x-amz-copy-source-if-match" in said.lower()
    assert re.findall(rb"(?m)^(GET|HEAD|PUT) /", said) == [b"HEAD", b"PUT"]
    assert b"acl" not in said.lower()
    assert b"metadata-directive" not in said


async def test_copies_share_a_connection_and_outlive_it(given: Given, s3_server: S3Server, opens: Opens) -> None:
    key = f"{given.prefix}/raw/a.jpg"
    await given.bucket.write(key, b"body", content_type="image/jpeg")
    endpoint = f"http://127.0.0.1:{given.wire.port}"
    bucket = opens(replace(s3_server.client(), endpoint=endpoint, longest_pause=timedelta(milliseconds=1)), Now())
    await bucket.copy(key, f"{given.prefix}/processed/1.jpg")
    opened = given.wire.opened
    await bucket.copy(key, f"{given.prefix}/processed/2.jpg")
    assert given.wire.opened == opened

    given.wire.cut()
    await bucket.copy(key, f"{given.prefix}/processed/3.jpg")

    assert given.wire.opened == opened + 1
    assert await given.bucket.read(f"{given.prefix}/processed/3.jpg") == b"body"


async def test_an_object_of_many_parts_is_pinned_by_its_etag_too(given: Given, s3_server: S3Server) -> None:
    raw, processed = f"{given.prefix}/raw/a.jpg", f"{given.prefix}/processed/a.jpg"
    client, there = peer(s3_server), {"Bucket": s3_server.bucket, "Key": raw}
    upload = client.create_multipart_upload(**there, ContentType="image/jpeg")["UploadId"]
    sizes = {1: 5 * 1024 * 1024, 2: 9}
    parts = [
        client.upload_part(**there, UploadId=upload, PartNumber=number, Body=bytes(size))["ETag"]
        for number, size in sizes.items()
    ]
    made = [{"PartNumber": number, "ETag": etag} for number, etag in zip(sizes, parts, strict=True)]
    client.complete_multipart_upload(**there, UploadId=upload, MultipartUpload={"Parts": made})

    info = await given.bucket.head(raw)
    await given.bucket.copy(raw, processed, etag=info.etag)

    assert "-2" in (info.etag or "")
    assert (await given.bucket.head(processed)).size == sum(sizes.values())


async def test_no_request_of_any_method_carries_an_acl(given: Given) -> None:
    key = f"{given.prefix}/raw/a.jpg"
    await given.bucket.write(key, b"body", content_type="image/jpeg")
    await given.bucket.copy(key, f"{given.prefix}/processed/a.jpg")
    await given.bucket.head(key)
    await given.bucket.read(key)
    async for _ in given.bucket.list(given.prefix):
        pass
    await given.bucket.delete([key])

    said = b"".join(given.wire.sent)
    assert set(re.findall(rb"(?m)^(GET|HEAD|PUT|POST|DELETE) /", said)) == {b"GET", b"HEAD", b"PUT", b"DELETE"}
    assert b"acl" not in said.lower()
    assert b"x-amz-grant" not in said.lower()


async def test_a_signed_get_works_until_anybody_changes_it(given: Given) -> None:
    key = f"{given.prefix}/preview/küche a+b.jpg"
    await given.bucket.write(key, b"preview", content_type="image/jpeg")
    url = await given.bucket.sign_get(key, expires_in=MINUTES)

    async with httpx.AsyncClient(trust_env=False) as http:
        good = await http.get(url)
        forged = await http.get(url[:-1] + ("0" if url[-1] != "0" else "1"))
        longer = await http.get(url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"))
        elsewhere = await http.get(url.replace("/preview/", "/raw/"))
        changed = await http.put(url, content=b"x")

    assert (good.status_code, good.content, good.headers["content-type"]) == (200, b"preview", "image/jpeg")
    assert [answer.status_code for answer in (forged, longer, elsewhere, changed)] == [403] * 4


async def test_a_signed_get_ends(given: Given, s3_server: S3Server) -> None:
    key = f"{given.prefix}/preview/a.jpg"
    await given.bucket.write(key, b"preview", content_type="image/jpeg")

    class LongAgo:
        def now(self) -> datetime:
            return datetime.now(UTC) - timedelta(minutes=6)

    old = S3Bucket(s3_server.client(), clock=LongAgo(), system=Now())
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(await old.sign_get(key, expires_in=MINUTES))

    assert answer.status_code == 403


async def test_a_signed_put_takes_the_agreed_content_type_and_no_other(given: Given) -> None:
    key = f"{given.prefix}/raw/a.jpg"
    grant = await given.bucket.sign_put(key, content_type="image/jpeg", max_bytes=10, expires_in=MINUTES)

    async with httpx.AsyncClient(trust_env=False) as http:
        wrong = await http.put(grant.url, content=b"body", headers={**grant.headers, "Content-Type": "text/html"})
        bare = await http.put(grant.url, content=b"body")
        replacing = await http.put(grant.url, content=b"body", headers={"Content-Type": "image/jpeg"})
        good = await http.put(grant.url, content=b"body", headers=grant.headers)

    assert [answer.status_code for answer in (wrong, bare, replacing, good)] == [403, 403, 403, 200]
    assert (await given.bucket.head(key)).content_type == "image/jpeg"


@pytest.mark.parametrize("verb", ["head", "copy", "list", "probe"])
@pytest.mark.parametrize("wrong", [{"secret_access_key": "x" * 20}, {"access_key_id": "nobody"}])
async def test_wrong_credentials_are_permanent_and_name_their_settings(
    s3_server: S3Server, opens: Opens, wrong: dict[str, str], verb: str
) -> None:
    bucket = opens(replace(s3_server, **wrong).client(), Now())
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "head": lambda: bucket.head("a/b.jpg"),
        "copy": lambda: bucket.copy("a/b.jpg", "a/c.jpg"),
        "list": lambda: anext(bucket.list("a")),
        "probe": bucket.probe,
    }

    with pytest.raises(PermanentError, match="R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY"):
        await calls[verb]()


async def test_a_bucket_that_does_not_exist_is_permanent_and_named(s3_server: S3Server) -> None:
    bucket = bucket_of(replace(s3_server, bucket="no-such-bucket"))

    with pytest.raises(PermanentError, match=r"no such bucket.*EDITQUEUE_BUCKET_URL"):
        await bucket.read("a/b.jpg")
    with pytest.raises(PermanentError, match=r"no such bucket.*EDITQUEUE_BUCKET_URL"):
        await anext(bucket.list("a"))


async def test_an_original_that_is_gone_is_missing_not_broken(given: Given) -> None:
    with pytest.raises(ObjectMissing):
        await given.bucket.copy(f"{given.prefix}/raw/a.jpg", f"{given.prefix}/processed/a.jpg")


@pytest.mark.parametrize("verb", ["write", "read", "copy"])
async def test_a_connection_that_is_reset_is_transient(given: Given, verb: str) -> None:
    key = f"{given.prefix}/raw/a.jpg"
    await given.bucket.write(key, b"body", content_type="image/jpeg")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "write": lambda: given.bucket.write(key, b"other", content_type="image/jpeg"),
        "read": lambda: given.bucket.read(key),
        "copy": lambda: given.bucket.copy(key, f"{given.prefix}/processed/a.jpg"),
    }

    given.wire.hold_at = b""
    running = asyncio.ensure_future(calls[verb]())
    await given.wire.held.wait()
    given.wire.cut()

    with pytest.raises(StorageUnavailable):
        await running
    given.wire.let_go()
    with suppress(StorageUnavailable):  # of what was cut, one connection may still count as idle
        await given.bucket.read(key)
    assert await given.bucket.read(key) == b"body"
