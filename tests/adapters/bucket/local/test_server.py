"""The HTTP end of the local bucket: who gets in, what gets out, and what an aborted upload leaves."""

import asyncio
import errno
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Message

from editqueue.adapters.bucket.local import files as _files
from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.server import create_object_app
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.local.uploads import Uploads
from editqueue.domain.errors import EditQueueError, ObjectMissing, SetupError

KEY = "user/u%40x/orders/1/raw/a b-é.jpg"
BODY = bytes(range(256)) * 40
FIVE_MINUTES = timedelta(minutes=5)


@dataclass
class SetClock:
    time: datetime = field(default_factory=lambda: datetime(2026, 5, 1, tzinfo=UTC))

    def now(self) -> datetime:
        return self.time


@dataclass(frozen=True, kw_only=True)
class Site:
    folder: Path
    bucket: LocalBucket
    signer: UrlSigner
    app: Starlette
    http: httpx.AsyncClient
    clock: SetClock
    reported: list[EditQueueError]

    async def put_url(self, *, max_bytes: int = len(BODY)) -> str:
        signed = await self.bucket.sign_put(
            KEY, content_type="image/jpeg", max_bytes=max_bytes, expires_in=FIVE_MINUTES
        )
        return signed.url

    async def get_url(self) -> str:
        return await self.bucket.sign_get(KEY, expires_in=FIVE_MINUTES)

    def with_uploads(self, uploads: Uploads) -> "Site":
        objects = create_object_app(self.bucket, self.signer, uploads=uploads)
        app = Starlette(routes=[Mount("/objects", objects)])
        return replace(self, app=app, http=httpx.AsyncClient(transport=httpx.ASGITransport(app)))

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file() and path.name != ".editqueue-bucket"]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    clock = SetClock()
    signer = UrlSigner(secret=b"0123456789abcdef0123456789abcdef", clock=clock)
    bucket = LocalBucket(tmp_path, signer=signer)
    reported: list[EditQueueError] = []
    objects = create_object_app(bucket, signer, allowed_origins=["https://app.pix.immo"], report=reported.append)
    app = Starlette(routes=[Mount("/objects", objects)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        yield Site(folder=tmp_path, bucket=bucket, signer=signer, app=app, http=http, clock=clock, reported=reported)
    await bucket.delete([KEY])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".editqueue-bucket"]


JPEG_HEADERS = {"Content-Type": "image/jpeg", "If-None-Match": "*"}


def changed(url: str, **query: str) -> str:
    """`url` with other query parameters; an empty one is taken out."""
    parts = urlsplit(url)
    old = {name: values[0] for name, values in parse_qs(parts.query).items()}
    new = {name: value for name, value in {**old, **query}.items() if value}
    return parts._replace(query=urlencode(new)).geturl()


def code_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store", "an error of now is none of a minute later"
    return str(answer.json()["code"])


async def test_no_browser_runs_or_shares_what_a_customer_uploaded(site: Site) -> None:
    await site.bucket.write(KEY, b"<script>", content_type="image/svg+xml")
    answer = await site.http.get(await site.get_url())
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["cache-control"] == "private, max-age=300"


async def test_head_has_the_headers_of_get_and_no_body(site: Site) -> None:
    await site.bucket.write(KEY, BODY, content_type="image/jpeg")
    answer = await site.http.head(await site.get_url())
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, str(len(BODY)), b"")


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=10000-", 10000, len(BODY) - 1),
        ("bytes=10000-99999", 10000, len(BODY) - 1),
        ("bytes=-10", len(BODY) - 10, len(BODY) - 1),
    ],
)
async def test_a_range_gets_just_those_bytes(site: Site, header: str, first: int, last: int) -> None:
    await site.bucket.write(KEY, BODY, content_type="image/jpeg")
    answer = await site.http.get(await site.get_url(), headers={"Range": header})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(BODY)}"
    assert answer.content == BODY[first : last + 1]


ENDLESS = "9" * 5000
"""More digits than Python makes a number of."""


@pytest.mark.parametrize(
    "header", ["bytes=-", "bytes=0-1,4-5", "pages=1-2", "bytes=-999999", f"bytes={ENDLESS}-", f"bytes=0-{ENDLESS}"]
)
async def test_a_range_that_is_none_gets_everything(site: Site, header: str) -> None:
    await site.bucket.write(KEY, BODY, content_type="image/jpeg")
    answer = await site.http.get(await site.get_url(), headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, BODY)


@pytest.mark.parametrize("header", ["bytes=10240-", "bytes=9-3", "bytes=-0", "bytes=999999999999999999-"])
async def test_a_range_outside_the_object_is_416(site: Site, header: str) -> None:
    await site.bucket.write(KEY, BODY, content_type="image/jpeg")
    answer = await site.http.get(await site.get_url(), headers={"Range": header})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(BODY)}"


async def test_an_expired_url_is_told_apart_from_a_forged_one(site: Site) -> None:
    await site.bucket.write(KEY, BODY, content_type="image/jpeg")
    get, put = await site.get_url(), await site.put_url()
    site.clock.time += FIVE_MINUTES
    for answer in [await site.http.get(get), await site.http.put(put, headers=JPEG_HEADERS, content=b"x")]:
        assert (answer.status_code, code_of(answer)) == (403, "url_expired")
    later = str(int((site.clock.time + FIVE_MINUTES).timestamp()))
    forged = await site.http.get(changed(get, expires=later))
    assert (forged.status_code, code_of(forged)) == (403, "url_forged")
    assert await site.bucket.read(KEY) == BODY


@pytest.mark.parametrize(
    "query",
    [
        {"expires": "9999999999"},
        {"expires": "soon"},
        {"expires": ""},
        {"content_type": "text/html"},
        {"content_type": ""},
        {"max_bytes": "999999999"},
        {"max_bytes": ""},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "ü"},
    ],
)
async def test_whatever_is_changed_in_an_upload_url_voids_it(site: Site, query: dict[str, str]) -> None:
    url = changed(await site.put_url(), **query)
    answer = await site.http.put(url, headers={"Content-Type": "text/html"}, content=b"x")
    assert (answer.status_code, code_of(answer)) == (403, "url_forged")
    assert site.files() == []


async def test_a_get_url_does_not_upload_and_an_upload_url_does_not_read(site: Site) -> None:
    await site.bucket.write(KEY, BODY, content_type="image/jpeg")
    assert (await site.http.put(await site.get_url(), headers=JPEG_HEADERS)).status_code == 403
    assert (await site.http.get(await site.put_url())).status_code == 403
    assert (await site.http.delete(await site.put_url())).status_code == 405


async def test_a_wrong_content_type_is_415(site: Site) -> None:
    headers = JPEG_HEADERS | {"Content-Type": "text/html"}
    answer = await site.http.put(await site.put_url(), headers=headers, content=b"x")
    assert (answer.status_code, site.files()) == (415, [])
    assert "image/jpeg" in answer.json()["detail"]


@pytest.mark.parametrize("header", [{}, {"If-None-Match": '"an-etag"'}])
async def test_an_upload_without_the_header_that_it_was_given_is_told_which(site: Site, header: dict[str, str]) -> None:
    headers = {"Content-Type": "image/jpeg", **header}
    answer = await site.http.put(await site.put_url(), headers=headers, content=b"x")
    assert (answer.status_code, code_of(answer), site.files()) == (428, "request_refused", [])
    assert "If-None-Match: *" in answer.json()["detail"]


async def test_a_part_of_an_object_is_refused_and_not_taken_for_all_of_it(site: Site) -> None:
    headers = {**JPEG_HEADERS, "Content-Range": "bytes 0-0/7"}
    answer = await site.http.put(await site.put_url(), headers=headers, content=b"x")
    assert (answer.status_code, code_of(answer), site.files()) == (400, "request_refused", [])


async def test_what_is_there_is_never_replaced_and_no_byte_of_the_body_is_taken_in(site: Site) -> None:
    url = await site.put_url()
    assert (await site.http.put(url, headers=JPEG_HEADERS, content=BODY)).status_code == 200

    async def unread() -> AsyncIterator[bytes]:
        yield b""
        raise AssertionError("the body was read")

    again = await site.http.put(url, headers=JPEG_HEADERS, content=unread())

    assert (again.status_code, code_of(again)) == (412, "object_exists")
    assert await site.bucket.read(KEY) == BODY
    assert len(site.files()) == 2, "the object and its content type"


@dataclass(kw_only=True)
class Half:
    """An upload whose first piece was sent, and whose second comes when it is told to."""

    answer: asyncio.Task[httpx.Response]
    go_on: asyncio.Event


async def half_upload(site: Site, url: str) -> Half:
    taken_in, go_on = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        taken_in.set()
        await go_on.wait()
        yield b"whole"

    answer = asyncio.create_task(site.http.put(url, headers=JPEG_HEADERS, content=body()))
    await taken_in.wait()
    return Half(answer=answer, go_on=go_on)


async def test_a_third_upload_at_a_time_with_one_url_is_told_to_wait(site: Site) -> None:
    url = await site.put_url()
    first, second = await half_upload(site, url), await half_upload(site, url)

    third = await site.http.put(url, headers=JPEG_HEADERS, content=BODY)
    other = await site.http.put(changed(url, signature="0" * 64), headers=JPEG_HEADERS, content=BODY)
    assert (third.status_code, code_of(third), other.status_code) == (429, "too_many_uploads", 403)
    assert int(third.headers["retry-after"]) > 0
    assert len(site.files()) == 2

    first.go_on.set()
    assert (await first.answer).status_code == 200
    assert (await site.http.put(url, headers=JPEG_HEADERS, content=BODY)).status_code == 412
    second.answer.cancel()
    await asyncio.gather(second.answer, return_exceptions=True)
    assert await site.bucket.read(KEY) == b"halfwhole"


async def test_an_upload_that_ended_makes_room_for_another(site: Site) -> None:
    url = await site.put_url()
    for _ in range(3):
        half = await half_upload(site, url)
        half.answer.cancel()
        await asyncio.gather(half.answer, return_exceptions=True)

    assert (await site.http.put(url, headers=JPEG_HEADERS, content=BODY)).status_code == 200


async def test_an_upload_without_a_byte_for_too_long_is_ended_and_leaves_nothing(site: Site) -> None:
    hasty = site.with_uploads(Uploads(idle=timedelta(milliseconds=20)))

    half = await half_upload(hasty, await hasty.put_url())
    answer = await half.answer

    assert (answer.status_code, code_of(answer)) == (408, "upload_too_slow")
    assert answer.headers["connection"] == "close"
    assert site.files() == []


async def test_an_upload_that_lasts_too_long_is_ended_however_many_bytes_come(site: Site) -> None:
    seconds = 0.0
    patient = site.with_uploads(Uploads(now=lambda: seconds))

    half = await half_upload(patient, await patient.put_url())
    seconds = 3601.0
    half.go_on.set()
    answer = await half.answer

    assert (answer.status_code, code_of(answer)) == (408, "upload_too_slow")
    assert "3600 s" in answer.json()["detail"]
    assert site.files() == []


async def _pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield BODY


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_413_and_leaves_nothing(site: Site, *, declared: bool) -> None:
    content = BODY * 2 if declared else _pieces(2)
    answer = await site.http.put(await site.put_url(), headers=JPEG_HEADERS, content=content)
    assert (answer.status_code, code_of(answer)) == (413, "upload_too_large")
    assert site.files() == []


async def test_a_length_of_5000_digits_is_over_the_limit(site: Site) -> None:
    headers = JPEG_HEADERS | {"Content-Length": ENDLESS}
    answer = await site.http.put(await site.put_url(), headers=headers, content=b"x")
    assert (answer.status_code, code_of(answer)) == (413, "upload_too_large")


async def test_a_body_of_exactly_the_limit_is_taken(site: Site) -> None:
    url = await site.put_url(max_bytes=3 * len(BODY))
    assert (await site.http.put(url, headers=JPEG_HEADERS, content=_pieces(3))).status_code == 200
    assert await site.bucket.read(KEY) == BODY * 3


async def test_an_upload_that_breaks_off_leaves_no_object_and_no_piece(site: Site) -> None:
    messages: list[Message] = [{"type": "http.request", "body": BODY, "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return messages.pop(0)

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await site.app(_put_scope(await site.put_url(max_bytes=10**6)), receive, send)
    assert sent[0]["status"] == 400
    assert site.files() == []


def _put_scope(url: str) -> dict[str, object]:
    request = httpx.Request("PUT", url, headers=JPEG_HEADERS)
    return {
        "type": "http",
        "method": "PUT",
        "path": request.url.path,
        "root_path": "",
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
    }


async def test_a_missing_object_is_a_404_problem(site: Site) -> None:
    answer = await site.http.get(await site.get_url())
    assert (answer.status_code, code_of(answer)) == (404, "object_missing")
    with pytest.raises(ObjectMissing):
        await site.bucket.head(KEY)


async def test_a_full_disk_is_told_in_full_to_us_and_in_short_to_the_client(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_files, "sync", full)
    answer = await site.http.put(await site.put_url(), content=BODY, headers=JPEG_HEADERS)

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert str(site.folder) not in answer.text
    assert [str(site.folder) in str(error) and "No space left" in str(error) for error in site.reported] == [True]
    assert site.files() == []


async def test_a_defect_is_a_problem_like_any_other_and_goes_on_to_who_logs_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(_files, "head", broken)
    with pytest.raises(ZeroDivisionError):
        await site.http.get(await site.get_url())

    async with httpx.AsyncClient(transport=httpx.ASGITransport(site.app, raise_app_exceptions=False)) as http:
        answer = await http.get(await site.get_url())
    assert (answer.status_code, code_of(answer)) == (500, "internal")


async def test_only_the_allowed_page_may_upload_from_a_browser(site: Site) -> None:
    ask = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type, if-none-match"}
    url = await site.put_url()
    ours = await site.http.options(url, headers={"Origin": "https://app.pix.immo", **ask})
    theirs = await site.http.options(url, headers={"Origin": "https://evil.example", **ask})
    assert (ours.status_code, theirs.status_code) == (200, 400)
    assert ours.headers["access-control-allow-origin"] == "https://app.pix.immo"
    assert "access-control-allow-origin" not in theirs.headers


async def test_a_type_without_its_file_is_guessed_from_the_name(site: Site) -> None:
    site.bucket.path(KEY).parent.mkdir(parents=True)
    site.bucket.path(KEY).write_bytes(BODY)
    assert (await site.bucket.head(KEY)).content_type == "image/jpeg"
    (site.folder / ".attributes" / f"{KEY}.json").parent.mkdir(parents=True)
    (site.folder / ".attributes" / f"{KEY}.json").write_text(json.dumps({"content_type": "image/png"}))
    assert (await site.bucket.head(KEY)).content_type == "image/png"


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(SetupError, match="32 bytes"):
        UrlSigner(secret="too short", clock=SetClock())
