"""R2 through its binding in the Worker's isolate, beyond the contract that it keeps with the other buckets."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devtools.cloudflare.host import Cloudflare
from devtools.cloudflare.isolate import Isolate, isolate
from editqueue.adapters.bucket.cloudflare import R2Bucket
from editqueue.domain.errors import PermanentError, StorageUnavailable

NO_METADATA: Mapping[str, object] = {}
ALL_METADATA: Mapping[str, object] = {
    "httpMetadata": {
        "contentType": "image/x-canon-cr2",
        "contentLanguage": "de",
        "contentDisposition": 'attachment; filename="IMG_1.CR2"',
        "contentEncoding": "identity",
        "cacheControl": "private, max-age=60",
    },
    "customMetadata": {"camera": "5", "ort": "Küche"},
}
WITH_CACHE_DATE: Mapping[str, object] = {
    "httpMetadata": {"contentType": "image/jpeg", "cacheExpiry": "2027-01-02T03:04:05.000Z"}
}


@pytest.fixture
async def there(cloudflare: Cloudflare) -> AsyncIterator[Isolate]:
    async with isolate(cloudflare) as opened:
        yield opened
        await cloudflare.tell("heal")
        await opened.bucket.delete([one.key async for one in opened.bucket.list("")])


@pytest.fixture
def bucket(there: Isolate) -> R2Bucket:
    return there.bucket


@pytest.mark.parametrize(
    "metadata", [NO_METADATA, ALL_METADATA, WITH_CACHE_DATE], ids=["none", "all", "with a cache date"]
)
async def test_a_copy_has_exactly_the_metadata_of_its_source(
    cloudflare: Cloudflare, bucket: R2Bucket, metadata: Mapping[str, object]
) -> None:
    await cloudflare.put_behind("a", b"body", **metadata)

    await bucket.copy("a", "b")

    source, copied = [await cloudflare.behind("head", key=key) for key in ("a", "b")]
    assert copied["httpMetadata"] == source["httpMetadata"] == metadata.get("httpMetadata", {})
    assert copied["customMetadata"] == source["customMetadata"] == metadata.get("customMetadata", {})
    assert copied["etag"] == source["etag"]


async def test_ranges_and_copies_of_one_version_are_of_no_other(bucket: R2Bucket) -> None:
    await bucket.write("a", b"the first", content_type="image/jpeg")
    etag = (await bucket.head("a")).etag
    assert await bucket.read_range("a", 4, 5, etag=etag) == b"first"
    await bucket.write("a", b"the other", content_type="image/jpeg")

    for use in (
        bucket.copy("a", "b", etag=etag),
        bucket.read_range("a", 4, 5, etag=etag),
        bucket.open_range("a", 4, 5, etag=etag),
    ):
        with pytest.raises(StorageUnavailable, match="a was replaced while it was read"):
            await use

    assert await bucket.read_range("a", 4, 5) == b"other"
    assert [one.key async for one in bucket.list("")] == ["a"]


async def test_a_range_is_cut_at_the_end_of_the_object_and_refused_beyond_it(bucket: R2Bucket) -> None:
    await bucket.write("a", b"the first", content_type="image/jpeg")
    await bucket.write("empty", b"", content_type="image/jpeg")

    assert await bucket.read_range("a", 4, 500) == b"first"
    with pytest.raises(StorageUnavailable, match="R2 cannot serve 'a'"):
        await bucket.read_range("a", 9, 1)
    with pytest.raises(StorageUnavailable, match="R2 cannot serve 'empty'"):
        await bucket.read_range("empty", 0, 1)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("put: Access denied. (10003)", PermanentError),
        ("put: The specified bucket does not exist. (10006)", PermanentError),
        ("put: We encountered an internal error. Please try again. (10001)", StorageUnavailable),
    ],
)
async def test_a_probe_says_why_r2_cannot_be_used(
    cloudflare: Cloudflare, bucket: R2Bucket, said: str, meant: type[Exception]
) -> None:
    await cloudflare.fail("put", said)

    with pytest.raises(meant, match="R2 cannot serve"):
        await bucket.probe()


async def test_fewer_bytes_than_handed_over_are_an_error_that_is_tried_again(
    cloudflare: Cloudflare, bucket: R2Bucket
) -> None:
    await bucket.write("a", b"the whole", content_type="image/jpeg")
    await cloudflare.tell("rule", call="copy", written=3)
    await cloudflare.tell("rule", call="put", written=3)

    with pytest.raises(StorageUnavailable, match="3 of 9 bytes to 'b'"):
        await bucket.copy("a", "b")
    with pytest.raises(StorageUnavailable, match="3 of 4 bytes"):
        await bucket.write("b", b"body", content_type="image/jpeg")


async def test_more_keys_than_one_call_takes_are_deleted_in_several(cloudflare: Cloudflare, bucket: R2Bucket) -> None:
    await bucket.delete([f"k{number}" for number in range(2500)])

    assert [one["size"] for one in await cloudflare.calls("delete")] == [1000, 1000, 500]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("head: We encountered an internal error. Please try again. (10001)", StorageUnavailable),
        ("head: Reduce your concurrent request rate for the same object. (10058)", StorageUnavailable),
        ("head: Access denied. (10003)", PermanentError),
        ("Network connection lost.", StorageUnavailable),
    ],
)
async def test_what_may_work_later_is_told_from_what_never_will(
    cloudflare: Cloudflare, bucket: R2Bucket, said: str, meant: type[Exception]
) -> None:
    await cloudflare.fail("head", said)

    with pytest.raises(meant) as raised:
        await bucket.head("a")

    assert str(raised.value) == f"R2 cannot serve 'a': {said}"


@pytest.mark.parametrize("count", [0, 2, 4, 5])
async def test_a_list_is_read_to_its_last_page_whose_cursor_is_none(
    cloudflare: Cloudflare, there: Isolate, count: int
) -> None:
    keys = [f"a/{number}" for number in range(count)]
    for key in keys:
        await cloudflare.put_behind(key, b"x")
    await there.run("from editqueue.adapters.bucket import cloudflare; cloudflare.MOST_KEYS = 2")
    try:
        assert [one.key async for one in there.bucket.list("a/")] == keys
    finally:
        await there.run("from editqueue.adapters.bucket import cloudflare; cloudflare.MOST_KEYS = 1000")


async def test_what_r2_cannot_take_is_a_defect_and_no_trouble_of_r2(bucket: R2Bucket) -> None:
    no_bytes: Any = object()

    with pytest.raises(TypeError, match="R2, 'a': TypeError: Failed to execute 'put'"):
        await bucket.write("a", no_bytes, content_type="image/jpeg")


async def test_the_time_of_upload_is_utc_whether_it_was_asked_for_or_listed(bucket: R2Bucket) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    await bucket.write("a", b"body", content_type="image/jpeg")

    for info in (await bucket.head("a"), *[one async for one in bucket.list("")]):
        assert before < info.last_modified < datetime.now(UTC) + timedelta(seconds=2)
        assert info.last_modified.utcoffset() == timedelta()
