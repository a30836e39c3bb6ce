"""R2 through its binding, beyond the contract that it keeps with the other buckets."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devtools.cloudflare.bindings import r2_bucket
from devtools.cloudflare.host import Cloudflare
from devtools.world import SteppingClock
from editqueue.adapters.bucket.cloudflare import R2Bucket
from editqueue.adapters.bucket.s3.sigv4 import Credentials
from editqueue.adapters.bucket.s3.urls import S3Urls
from editqueue.adapters.js_interop import JsError
from editqueue.domain.errors import PermanentError, StorageUnavailable

URLS = S3Urls(
    endpoint="https://account.r2.cloudflarestorage.com",
    bucket="piximmo-media",
    credentials=Credentials(access_key_id="k", secret_access_key="s", region="auto"),
    clock=SteppingClock(),
)
MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Found:
    key = "a"
    etag = "0123"
    httpMetadata: Mapping[str, Any] = {"contentType": "image/jpeg", "cacheControl": "private"}  # noqa: N815
    customMetadata: Mapping[str, str] = {"camera": "5"}  # noqa: N815
    body = "the runtime's stream"

    def __init__(self, size: int, uploaded: Any = MOMENT) -> None:
        self.size = size
        self.uploaded = uploaded


class Binding:
    def __init__(self, *, size: int = 7, written: int = 7, error: str | None = None) -> None:
        self.size = size
        self.written = written
        self.error = error
        self.puts: list[tuple[str, object, Mapping[str, object]]] = []
        self.deleted: list[int] = []
        self.wanted: list[Mapping[str, object]] = []

    async def head(self, key: str) -> Found:
        if self.error is not None:
            raise JsError(self.error)
        return Found(self.size)

    async def get(self, key: str, **options: object) -> Found:
        self.wanted.append(options)
        return Found(self.size)

    async def put(self, key: str, value: object, **options: object) -> Found:
        self.puts.append((key, value, options))
        return Found(self.written)

    async def delete(self, keys: list[str]) -> None:
        self.deleted.append(len(keys))

    async def list(self, **options: object) -> Any:
        return {"objects": [], "truncated": False}


async def test_a_copy_hands_the_stream_back_with_all_its_metadata() -> None:
    binding = Binding()

    await R2Bucket(binding, urls=URLS).copy("a", "b")

    assert binding.wanted == [{}]
    kept = {"httpMetadata": dict(Found.httpMetadata), "customMetadata": dict(Found.customMetadata)}
    assert binding.puts == [("b", Found.body, kept)]


async def test_a_copy_passes_on_no_metadata_that_is_not_set() -> None:
    """R2 shows six fields, None where nothing is set, and `put` would take that for a value."""

    class Bare(Found):
        httpMetadata: Mapping[str, Any] = {"contentType": "image/jpeg", "cacheExpiry": None}  # noqa: N815

    class BareBinding(Binding):
        async def get(self, key: str, **options: object) -> Found:
            return Bare(self.size)

    binding = BareBinding()
    await R2Bucket(binding, urls=URLS).copy("a", "b")

    [(_, _, kept)] = binding.puts
    assert kept["httpMetadata"] == {"contentType": "image/jpeg"}


async def test_of_another_version_nothing_is_copied_or_read() -> None:
    class Replaced:
        """As R2 answers a condition that does not hold: in Pyodide a property that is not there is no attribute."""

        key, etag, size, uploaded = "a", "4567", 7, MOMENT

    class ReplacedBinding(Binding):
        async def get(self, key: str, **options: object) -> Any:
            self.wanted.append(options)
            return Replaced()

    binding = ReplacedBinding()
    bucket = R2Bucket(binding, urls=URLS)
    for use in (
        bucket.copy("a", "b", etag="0123"),
        bucket.read_range("a", 0, 3, etag="0123"),
        bucket.open_range("a", 0, 3, etag="0123"),
    ):
        with pytest.raises(StorageUnavailable, match="a was replaced while it was read"):
            await use

    assert all(options["onlyIf"] == {"etagMatches": "0123"} for options in binding.wanted)
    assert binding.puts == []


async def test_ranges_of_one_version_are_of_no_other(cloudflare: Cloudflare) -> None:
    async with cloudflare.client() as http:
        bucket = r2_bucket(cloudflare, http)
        await bucket.write("a", b"the first", content_type="image/jpeg")
        etag = (await bucket.head("a")).etag
        assert await bucket.read_range("a", 4, 5, etag=etag) == b"first"
        await bucket.write("a", b"the other", content_type="image/jpeg")

        with pytest.raises(StorageUnavailable, match="a was replaced while it was read"):
            await bucket.read_range("a", 4, 5, etag=etag)
        with pytest.raises(StorageUnavailable, match="a was replaced while it was read"):
            await bucket.open_range("a", 4, 5, etag=etag)

        assert await bucket.read_range("a", 4, 5) == b"other"
        await bucket.delete(["a"])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("put: Access denied. (10003)", PermanentError),
        ("put: The specified bucket does not exist. (10006)", PermanentError),
        ("put: We encountered an internal error. Please try again. (10001)", StorageUnavailable),
    ],
)
async def test_a_probe_says_why_r2_cannot_be_used(said: str, meant: type[Exception]) -> None:
    class Away(Binding):
        async def put(self, key: str, value: object, **options: object) -> Found:
            raise JsError(said)

    with pytest.raises(meant, match="R2 cannot serve"):
        await R2Bucket(Away(), urls=URLS).probe()


async def test_fewer_bytes_than_handed_over_are_an_error_that_is_tried_again() -> None:
    bucket = R2Bucket(Binding(written=3), urls=URLS)

    with pytest.raises(StorageUnavailable, match="3 of 7 bytes to 'b'"):
        await bucket.copy("a", "b")
    with pytest.raises(StorageUnavailable, match="3 of 4 bytes"):
        await bucket.write("a", b"body", content_type="image/jpeg")


async def test_more_keys_than_one_call_takes_are_deleted_in_several() -> None:
    binding = Binding()

    await R2Bucket(binding, urls=URLS).delete([f"k{number}" for number in range(2500)])

    assert binding.deleted == [1000, 1000, 500]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("head: We encountered an internal error. Please try again. (10001)", StorageUnavailable),
        ("head: Reduce your concurrent request rate for the same object. (10058)", StorageUnavailable),
        ("head: Access denied. (10003)", PermanentError),
        ("Network connection lost.", StorageUnavailable),
    ],
)
async def test_what_may_work_later_is_told_from_what_never_will(said: str, meant: type[Exception]) -> None:
    with pytest.raises(meant, match="R2 cannot serve 'a'"):
        await R2Bucket(Binding(error=said), urls=URLS).head("a")


async def test_a_defect_of_ours_is_no_trouble_of_r2() -> None:
    class Defect(Binding):
        async def head(self, key: str) -> Found:
            raise TypeError("a defect of ours")

    with pytest.raises(TypeError, match="of ours"):
        await R2Bucket(Defect(), urls=URLS).head("a")


@pytest.mark.parametrize("naive", [False, True])
async def test_the_time_of_upload_is_utc_however_the_sdk_shows_it(naive: bool) -> None:
    class Later(Binding):
        async def head(self, key: str) -> Found:
            return Found(7, MOMENT.astimezone().replace(tzinfo=None) if naive else MOMENT)

    info = await R2Bucket(Later(), urls=URLS).head("a")

    assert info.last_modified == MOMENT
    assert info.last_modified.utcoffset() == timedelta()
