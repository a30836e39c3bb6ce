"""What every bucket keeps, whatever it stands on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

from devtools.cloudflare.host import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, Cloudflare
from devtools.cloudflare.isolate import Isolate
from devtools.memory_bucket import MemoryBucket
from devtools.storage import folder_readers
from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.paths import MARKER
from editqueue.adapters.bucket.local.server import create_object_app
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.reader import ObjectReaders
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.domain.errors import ObjectMissing, PermanentError, ProcessingError, StorageUnavailable
from editqueue.domain.keys import ObjectKeys
from editqueue.ports.bucket import Bucket, ByteSources

BASE_URL = "http://127.0.0.1:8787/objects"
FIVE_MINUTES = timedelta(minutes=5)
KEYS = ObjectKeys("auth0|mü.ller/..", "order 7", "IMG_1-0a1b2c.jpg")
JPEG = b"\xff\xd8\xff\xe0 not really a picture" * 100_000


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Running:
    bucket: Bucket
    http: httpx.AsyncClient
    """Reaches what the bucket's signed URLs point at."""
    readers: ByteSources | None = None
    """How other processes read it, where they do."""


def served(bucket: LocalBucket | MemoryBucket, signer: UrlSigner, readers: ByteSources) -> Running:
    app = Starlette(routes=[Mount("/objects", create_object_app(bucket, signer))])
    return Running(bucket=bucket, http=httpx.AsyncClient(transport=httpx.ASGITransport(app)), readers=readers)


def local_folder(folder: Path) -> Running:
    signer = UrlSigner(secret="s" * 32, clock=SystemClock())
    bucket = LocalBucket(folder / "bucket", signer=signer, base_url=BASE_URL)
    return served(bucket, signer, folder_readers(folder / "bucket"))


def on_s3(client: S3Client) -> Running:
    bucket = S3Bucket(client, clock=SystemClock(), system=SystemClock())
    return Running(bucket=bucket, http=httpx.AsyncClient(), readers=ObjectReaders(backend=client))


def r2_side(running: Cloudflare) -> S3Client:
    """R2's S3 side, as a consumer outside of Workers has it."""
    return S3Client(
        bucket=BUCKET, endpoint=running.gateway, access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY
    )


def memory() -> Running:
    signer = UrlSigner(secret="s" * 32, clock=SystemClock())
    bucket = MemoryBucket(signer=signer, base_url=BASE_URL)
    return served(bucket, signer, ObjectReaders(backend=bucket.backend))


def start(request: pytest.FixtureRequest, folder: Path) -> Running:
    match request.param:
        case "local folder":
            return local_folder(folder)
        case "memory":
            return memory()
        case "s3":
            return on_s3(request.getfixturevalue("s3_server").client())
        case "r2 over s3":
            return on_s3(r2_side(request.getfixturevalue("cloudflare")))
        case _:
            there: Cloudflare = request.getfixturevalue("cloudflare")
            http = there.client()
            return Running(bucket=Isolate(http).bucket, http=http)


@pytest.fixture(params=["local folder", "memory", "s3", "r2 binding", "r2 over s3"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    running = start(request, tmp_path)
    yield running
    left = [info.key async for info in running.bucket.list("")]
    await running.bucket.delete(left)
    await running.bucket.close()
    await running.http.aclose()
    assert left == []
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {MARKER}


@pytest.fixture
def bucket(running: Running) -> Bucket:
    return running.bucket


with_readers = pytest.mark.parametrize("running", ["local folder", "memory", "s3", "r2 over s3"], indirect=True)
"""No other process reads through a Worker's binding."""


def readers_of(running: Running) -> ByteSources:
    assert running.readers is not None
    return running.readers


async def test_what_is_written_is_read_back_with_its_size_and_type(bucket: Bucket) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    await bucket.write(KEYS.raw, JPEG, content_type="image/x-canon-cr2")
    info = await bucket.head(KEYS.raw)
    assert await bucket.read(KEYS.raw) == JPEG
    assert (info.key, info.size, info.content_type) == (KEYS.raw, len(JPEG), "image/x-canon-cr2")
    assert before <= info.last_modified <= datetime.now(UTC) + timedelta(seconds=2)
    await bucket.delete([KEYS.raw])


async def test_a_stream_brings_every_byte_in_order_and_in_pieces(bucket: Bucket) -> None:
    await bucket.write(KEYS.raw, JPEG, content_type="image/jpeg")
    assert b"".join([piece async for piece in bucket.stream(KEYS.raw)]) == JPEG
    await bucket.delete([KEYS.raw])


async def test_an_empty_object_is_an_object(bucket: Bucket) -> None:
    await bucket.write(KEYS.raw, b"", content_type="image/jpeg")
    assert (await bucket.head(KEYS.raw)).size == 0
    assert await bucket.read(KEYS.raw) == b""
    await bucket.copy(KEYS.raw, KEYS.processed)
    assert (await bucket.head(KEYS.processed)).size == 0
    await bucket.delete([KEYS.raw, KEYS.processed])


async def test_a_write_replaces_body_and_type(bucket: Bucket) -> None:
    await bucket.write(KEYS.preview, b"placeholder", content_type="image/heic")
    await bucket.write(KEYS.preview, b"preview", content_type="image/jpeg")
    assert await bucket.read(KEYS.preview) == b"preview"
    assert (await bucket.head(KEYS.preview)).content_type == "image/jpeg"
    await bucket.delete([KEYS.preview])


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    async for _ in pieces:
        pass


USES: dict[str, Callable[[Bucket], Awaitable[object]]] = {
    "head": lambda bucket: bucket.head(KEYS.raw),
    "read": lambda bucket: bucket.read(KEYS.raw),
    "stream": lambda bucket: _drain(bucket.stream(KEYS.raw)),
    "copy": lambda bucket: bucket.copy(KEYS.raw, KEYS.processed),
}


@pytest.mark.parametrize("use", USES)
async def test_a_missing_object_is_named(bucket: Bucket, use: str) -> None:
    with pytest.raises(ObjectMissing) as raised:
        await USES[use](bucket)
    assert raised.value.key == KEYS.raw


async def test_a_copy_has_the_same_bytes_size_and_type(bucket: Bucket) -> None:
    await bucket.write(KEYS.raw, JPEG, content_type="image/x-canon-cr2")
    await bucket.copy(KEYS.raw, KEYS.processed)
    assert await bucket.read(KEYS.processed) == JPEG
    copied = await bucket.head(KEYS.processed)
    assert (copied.size, copied.content_type) == (len(JPEG), "image/x-canon-cr2")
    await bucket.delete([KEYS.raw, KEYS.processed])


async def test_a_copy_done_again_changes_nothing_and_leaves_nothing(bucket: Bucket) -> None:
    await bucket.write(KEYS.raw, JPEG, content_type="image/jpeg")
    for _ in range(3):
        await bucket.copy(KEYS.raw, KEYS.processed)
    assert [info.key async for info in bucket.list("")] == [KEYS.processed, KEYS.raw]
    await bucket.delete([KEYS.raw, KEYS.processed])


async def test_a_copy_replaces_what_was_there(bucket: Bucket) -> None:
    await bucket.write(KEYS.preview, b"an old preview, longer", content_type="image/jpeg")
    await bucket.write(KEYS.raw, b"raw", content_type="image/heic")
    await bucket.copy(KEYS.raw, KEYS.preview)
    assert await bucket.read(KEYS.preview) == b"raw"
    assert (await bucket.head(KEYS.preview)).content_type == "image/heic"
    await bucket.delete([KEYS.raw, KEYS.preview])


@pytest.mark.parametrize("overwritten", ["raw", "processed"])
async def test_overwriting_one_side_of_a_copy_leaves_the_other(bucket: Bucket, overwritten: str) -> None:
    await bucket.write(KEYS.raw, b"first", content_type="image/heic")
    await bucket.copy(KEYS.raw, KEYS.processed)
    changed, kept = (KEYS.raw, KEYS.processed) if overwritten == "raw" else (KEYS.processed, KEYS.raw)
    await bucket.write(changed, b"second", content_type="image/png")
    assert await bucket.read(kept) == b"first"
    assert (await bucket.head(kept)).content_type == "image/heic"
    await bucket.delete([changed])
    assert await bucket.read(kept) == b"first"
    await bucket.delete([kept])


async def test_every_write_makes_another_version(bucket: Bucket) -> None:
    await bucket.write(KEYS.raw, b"first", content_type="image/jpeg")
    first = await bucket.head(KEYS.raw)
    assert first.etag
    assert (await bucket.head(KEYS.raw)).etag == first.etag
    await bucket.write(KEYS.raw, b"other", content_type="image/jpeg")
    assert (await bucket.head(KEYS.raw)).etag != first.etag
    await bucket.delete([KEYS.raw])


async def test_a_copy_of_one_version_is_of_no_other(bucket: Bucket) -> None:
    await bucket.write(KEYS.raw, b"first", content_type="image/heic")
    etag = (await bucket.head(KEYS.raw)).etag
    await bucket.copy(KEYS.raw, KEYS.processed, etag=etag)
    await bucket.write(KEYS.raw, b"other", content_type="image/png")

    with pytest.raises(StorageUnavailable, match="was replaced while it was read"):
        await bucket.copy(KEYS.raw, KEYS.processed, etag=etag)

    assert await bucket.read(KEYS.processed) == b"first"
    assert (await bucket.head(KEYS.processed)).content_type == "image/heic"
    await bucket.delete([KEYS.raw, KEYS.processed])


async def test_a_copy_of_a_version_that_is_gone_names_what_is_missing(bucket: Bucket) -> None:
    await bucket.write(KEYS.raw, b"first", content_type="image/heic")
    etag = (await bucket.head(KEYS.raw)).etag
    await bucket.delete([KEYS.raw])
    with pytest.raises(ObjectMissing) as raised:
        await bucket.copy(KEYS.raw, KEYS.processed, etag=etag)
    assert raised.value.key == KEYS.raw


async def test_probes_leave_nothing_however_many_at_once(bucket: Bucket) -> None:
    await asyncio.gather(*(bucket.probe() for _ in range(4)))

    assert [info.key async for info in bucket.list("")] == []


async def test_a_bucket_tells_its_time(bucket: Bucket) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)

    assert before <= await bucket.now() <= datetime.now(UTC) + timedelta(seconds=2)
    assert [info.key async for info in bucket.list("")] == []


async def test_delete_takes_what_is_there_and_forgives_what_is_not(bucket: Bucket) -> None:
    await bucket.write(KEYS.raw, b"raw", content_type="image/jpeg")
    await bucket.delete([KEYS.processed, KEYS.raw, KEYS.preview])
    await bucket.delete([KEYS.raw])
    await bucket.delete([])
    with pytest.raises(ObjectMissing):
        await bucket.head(KEYS.raw)


async def test_list_has_what_is_below_the_prefix_in_key_order(bucket: Bucket) -> None:
    keys = ["user/1/b.jpg", "user/1/a/z.jpg", "user/1/ab.jpg", "user/10/a.jpg", "other.jpg"]
    for key in keys:
        await bucket.write(key, key.encode(), content_type="image/jpeg")
    below = [(info.key, info.size) async for info in bucket.list("user/1/")]
    assert below == [(key, len(key)) for key in ["user/1/a/z.jpg", "user/1/ab.jpg", "user/1/b.jpg"]]
    assert [info.key async for info in bucket.list("")] == sorted(keys)
    assert [info.key async for info in bucket.list("nobody/")] == []
    await bucket.delete(keys)


async def test_a_signed_get_serves_the_object_with_its_type(running: Running) -> None:
    await running.bucket.write(KEYS.preview, JPEG, content_type="image/jpeg")
    url = await running.bucket.sign_get(KEYS.preview, expires_in=FIVE_MINUTES)
    answer = await running.http.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == JPEG
    part = await running.http.get(url, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, JPEG[2:6])
    await running.bucket.delete([KEYS.preview])


async def test_a_signed_put_creates_the_object_with_the_signed_type(running: Running) -> None:
    signed = await running.bucket.sign_put(
        KEYS.raw, content_type="image/heic", max_bytes=len(JPEG), expires_in=FIVE_MINUTES
    )
    answer = await running.http.put(signed.url, headers=dict(signed.headers), content=JPEG)
    assert answer.status_code == 200, answer.text
    assert await running.bucket.read(KEYS.raw) == JPEG
    assert (await running.bucket.head(KEYS.raw)).content_type == "image/heic"
    await running.bucket.delete([KEYS.raw])


async def test_an_original_is_written_once(running: Running) -> None:
    signed = await running.bucket.sign_put(KEYS.raw, content_type="image/heic", max_bytes=10, expires_in=FIVE_MINUTES)
    assert signed.headers["If-None-Match"] == "*"
    first = await running.http.put(signed.url, headers=dict(signed.headers), content=b"first")
    again = await running.http.put(signed.url, headers=dict(signed.headers), content=b"again")
    assert (first.status_code, again.status_code) == (200, 412)
    assert await running.bucket.read(KEYS.raw) == b"first"
    await running.bucket.delete([KEYS.raw])


async def test_of_uploads_that_race_exactly_one_wins(running: Running) -> None:
    signed = await running.bucket.sign_put(
        KEYS.raw, content_type="image/heic", max_bytes=len(JPEG), expires_in=FIVE_MINUTES
    )
    bodies = [bytes([number]) * len(JPEG) for number in range(2)]
    answers = await asyncio.gather(
        *(running.http.put(signed.url, headers=dict(signed.headers), content=body) for body in bodies)
    )
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200, 412]
    assert await running.bucket.read(KEYS.raw) == bodies[statuses.index(200)]
    await running.bucket.delete([KEYS.raw])


async def test_an_upload_that_could_replace_something_is_refused(running: Running) -> None:
    signed = await running.bucket.sign_put(KEYS.raw, content_type="image/heic", max_bytes=10, expires_in=FIVE_MINUTES)
    answer = await running.http.put(signed.url, headers={"Content-Type": "image/heic"}, content=b"body")
    assert answer.status_code in {403, 428}
    with pytest.raises(ObjectMissing):
        await running.bucket.head(KEYS.raw)


async def test_a_signed_put_takes_no_other_type(running: Running) -> None:
    signed = await running.bucket.sign_put(KEYS.raw, content_type="image/heic", max_bytes=10, expires_in=FIVE_MINUTES)
    headers = {**signed.headers, "Content-Type": "text/html"}
    answer = await running.http.put(signed.url, headers=headers, content=b"<script>")
    assert answer.status_code in {403, 415}
    with pytest.raises(ObjectMissing):
        await running.bucket.head(KEYS.raw)


async def test_a_signature_is_good_for_one_method_and_key(running: Running) -> None:
    await running.bucket.write(KEYS.raw, b"raw", content_type="image/jpeg")
    url = await running.bucket.sign_get(KEYS.preview, expires_in=FIVE_MINUTES)
    elsewhere = await running.http.get(url.replace("/preview/", "/raw/"))
    written = await running.http.put(url, headers={"Content-Type": "image/jpeg"}, content=b"mine")
    unsigned = await running.http.get(url.partition("?")[0])
    assert (elsewhere.status_code, written.status_code, unsigned.status_code) == (403, 403, 403)
    assert await running.bucket.read(KEYS.raw) == b"raw"
    await running.bucket.delete([KEYS.raw])


async def test_a_signed_get_of_nothing_is_404(running: Running) -> None:
    url = await running.bucket.sign_get(KEYS.preview, expires_in=FIVE_MINUTES)
    assert (await running.http.get(url)).status_code == 404


@with_readers
async def test_a_range_is_read_alone(running: Running) -> None:
    readers = readers_of(running)
    await running.bucket.write(KEYS.raw, JPEG, content_type="image/jpeg")

    source = readers.open(KEYS.raw)
    assert await asyncio.to_thread(source.read, 2, 4) == JPEG[2:6]
    assert await asyncio.to_thread(source.read, 0, 3) == JPEG[:3]
    assert source.bytes_read == 7
    assert await asyncio.to_thread(source.size) == len(JPEG)
    assert await asyncio.to_thread(source.read, 0, len(JPEG)) == JPEG
    await running.bucket.delete([KEYS.raw])


@with_readers
@pytest.mark.parametrize(("start", "expected"), [(0, b"0123456789"), (8, b"89"), (10, b""), (99, b"")])
async def test_a_range_past_the_end_is_short_or_empty(running: Running, start: int, expected: bytes) -> None:
    readers = readers_of(running)
    await running.bucket.write(KEYS.raw, b"0123456789", content_type="image/jpeg")

    source = readers.open(KEYS.raw)
    assert await asyncio.to_thread(source.read, start, 50) == expected
    assert await asyncio.to_thread(source.read, start, 50) == expected
    await running.bucket.delete([KEYS.raw])


@with_readers
async def test_a_long_range_comes_whole_and_in_order(running: Running) -> None:
    readers = readers_of(running)
    body = b"".join(number.to_bytes(4, "big") for number in range(1_400_000))
    await running.bucket.write(KEYS.raw, body, content_type="image/jpeg")

    source = readers.open(KEYS.raw)
    beginning = await asyncio.to_thread(source.read, 0, 64)
    assert beginning + await asyncio.to_thread(source.read, 64, len(body)) == body
    assert source.bytes_read == len(body)
    await running.bucket.delete([KEYS.raw])


@with_readers
async def test_a_long_range_of_an_object_that_was_replaced_fails(running: Running) -> None:
    readers = readers_of(running)
    await running.bucket.write(KEYS.raw, bytes(5_000_000), content_type="image/jpeg")
    source = readers.open(KEYS.raw)
    await asyncio.to_thread(source.read, 0, 64)

    await running.bucket.write(KEYS.raw, b"1" * 5_000_000, content_type="image/jpeg")

    with pytest.raises(StorageUnavailable, match="replaced"):
        await asyncio.to_thread(source.read, 64, 5_000_000)
    await running.bucket.delete([KEYS.raw])


@with_readers
async def test_a_range_of_an_empty_object_is_empty(running: Running) -> None:
    readers = readers_of(running)
    await running.bucket.write(KEYS.raw, b"", content_type="image/jpeg")

    for start in (0, 5):
        assert await asyncio.to_thread(readers.open(KEYS.raw).read, start, 9) == b""
    assert await asyncio.to_thread(readers.open(KEYS.raw).size) == 0
    await running.bucket.delete([KEYS.raw])


@with_readers
async def test_a_reader_names_what_is_missing(running: Running) -> None:
    source = readers_of(running).open(KEYS.raw)
    for read in (lambda: source.read(0, 9), source.size):
        with pytest.raises(ObjectMissing) as raised:
            await asyncio.to_thread(read)
        assert raised.value.key == KEYS.raw


@with_readers
async def test_an_object_replaced_between_two_reads_makes_the_second_fail(running: Running) -> None:
    readers = readers_of(running)
    await running.bucket.write(KEYS.raw, b"the first", content_type="image/jpeg")
    source = readers.open(KEYS.raw)
    assert await asyncio.to_thread(source.read, 0, 3) == b"the"

    await running.bucket.write(KEYS.raw, b"the second", content_type="image/jpeg")

    with pytest.raises(ProcessingError):
        await asyncio.to_thread(source.read, 4, 5)
    await running.bucket.delete([KEYS.raw])


@with_readers
async def test_a_reader_names_the_version_that_it_reads(running: Running) -> None:
    readers = readers_of(running)
    for body in (b"the first", b"the other"):
        await running.bucket.write(KEYS.raw, body, content_type="image/jpeg")
        source = readers.open(KEYS.raw)
        assert source.etag is None

        await asyncio.to_thread(source.read, 0, 3)

        assert source.etag is not None
        assert source.etag == (await running.bucket.head(KEYS.raw)).etag
    await running.bucket.delete([KEYS.raw])


@with_readers
async def test_a_defect_of_ours_surfaces_as_itself(bucket: Bucket) -> None:
    """JavaScript would make a text of the object; what a Worker does with a wrong body is tested beside its bucket."""
    no_text: Any = object()
    with pytest.raises(TypeError):
        await bucket.write(KEYS.raw, b"body", content_type=no_text)


async def test_fresh_pieces_are_no_leftovers(bucket: Bucket) -> None:
    assert await bucket.remove_leftovers(before=datetime.now(UTC) - timedelta(hours=1)) == 0


BAD_SEGMENTS = st.sampled_from(["", ".", "..", "a\0b", "..\\x", "a\\b", "line\nbreak", "\ud800"])
SEGMENTS = st.one_of(BAD_SEGMENTS, st.text("ab.%#-é", min_size=1, max_size=4))


def _with_a_bad_segment(parts: tuple[list[str], str, list[str]]) -> str:
    before, bad, after = parts
    return "/".join([*before, bad, *after])


UNSAFE_KEYS = st.tuples(st.lists(SEGMENTS, max_size=3), BAD_SEGMENTS, st.lists(SEGMENTS, max_size=3)).map(
    _with_a_bad_segment
)


@given(key=UNSAFE_KEYS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
async def test_an_unsafe_key_is_refused_by_every_method_and_named(bucket: Bucket, key: str) -> None:
    uses: list[Callable[[], Awaitable[object]]] = [
        lambda: bucket.head(key),
        lambda: bucket.read(key),
        lambda: _drain(bucket.stream(key)),
        lambda: bucket.write(key, b"x", content_type="image/jpeg"),
        lambda: bucket.copy(key, KEYS.processed),
        lambda: bucket.copy(KEYS.raw, key),
        lambda: bucket.delete([key]),
        lambda: bucket.sign_get(key, expires_in=FIVE_MINUTES),
        lambda: bucket.sign_put(key, content_type="image/jpeg", max_bytes=1, expires_in=FIVE_MINUTES),
    ]
    for use in uses:
        with pytest.raises(PermanentError) as raised:
            await use()
        assert repr(key) in str(raised.value)


@pytest.mark.parametrize("key", ["/etc/passwd", "a" * 1025, "x/" * 3])
async def test_an_absolute_or_endless_key_is_refused(bucket: Bucket, key: str) -> None:
    with pytest.raises(PermanentError, match="not a valid object key"):
        await bucket.write(key, b"x", content_type="image/jpeg")
