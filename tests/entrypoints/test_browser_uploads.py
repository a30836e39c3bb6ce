"""A page of an allowed origin uploads into a local bucket through the server as `serve` builds it; no other may."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from editqueue.entrypoints.commands.serving import listening, make_web_server, run_both
from editqueue.ports.bucket import Bucket, SignedPut
from editqueue.settings import load_settings
from editqueue.wiring.data_dir import jwt_secret
from editqueue.wiring.server import open_server
from tests.web.browser import chromium

SHOP, STRANGER = "https://app.pix.immo", "https://evil.example"
KEY = "user/anna/orders/1/raw/a.jpg"
BODY = b"not really a picture" * 200_000
PAGE = """async ([url, headers, size]) => {
  const body = new Blob([new Uint8Array(size)]);
  const statuses = [];
  for (const _ of [1, 2]) statuses.push((await fetch(url, { method: "PUT", headers, body })).status);
  return statuses;
}"""
"""What a page does whose first answer was lost on the way: it sends the photo again."""


@dataclass(frozen=True, kw_only=True)
class Served:
    bucket: Bucket
    staging: Path
    http: httpx.AsyncClient

    async def signed(self) -> SignedPut:
        return await self.bucket.sign_put(
            KEY, content_type="image/jpeg", max_bytes=len(BODY), expires_in=timedelta(minutes=5)
        )

    async def preflight(self, signed: SignedPut, origin: str) -> httpx.Response:
        """What a browser asks before it sends the PUT."""
        names = ", ".join(name.lower() for name in signed.headers)
        headers = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": names}
        return await self.http.options(signed.url, headers=headers)


@pytest.fixture(name="served")
async def _served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("EDITQUEUE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ALLOWED_ORIGINS", SHOP)
    settings, stop = load_settings(), asyncio.Event()
    with listening("127.0.0.1", 0) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with open_server(settings, base_url=base_url) as server, httpx.AsyncClient(trust_env=False) as http:
            web = make_web_server(server, settings, jwt_secret(settings))
            running = asyncio.create_task(run_both(web, None, listener, stop))
            staging = tmp_path / "data" / "bucket" / ".staging"
            yield Served(bucket=server.ports.bucket, staging=staging, http=http)
            stop.set()
            await running


async def test_the_page_of_an_allowed_origin_may_put_with_the_headers_that_are_signed(served: Served) -> None:
    signed = await served.signed()

    asked = await served.preflight(signed, SHOP)
    put = await served.http.put(signed.url, content=BODY, headers={**signed.headers, "Origin": SHOP})

    assert asked.status_code == 200, asked.text
    assert asked.headers["access-control-allow-origin"] == SHOP
    assert asked.headers["access-control-allow-credentials"] == "true"
    assert "PUT" in asked.headers["access-control-allow-methods"]
    assert put.status_code == 200, put.text
    assert put.headers["access-control-allow-origin"] == SHOP
    assert await served.bucket.read(KEY) == BODY


async def test_a_browser_uploads_and_is_told_that_the_photo_is_there_already(served: Served) -> None:
    signed = await served.signed()
    async with chromium() as browser:
        context = await browser.new_context(permissions=["local-network-access"])  # pages on the internet need it
        page = await context.new_page()
        await page.route(f"{SHOP}/", lambda route: route.fulfill(body="<title>shop</title>", content_type="text/html"))
        await page.goto(f"{SHOP}/")
        statuses = await page.evaluate(PAGE, [signed.url, dict(signed.headers), len(BODY)])

    assert statuses == [200, 412]
    assert await served.bucket.read(KEY) == bytes(len(BODY))


async def test_a_second_upload_of_many_bytes_gets_its_answer_and_the_connection_serves_on(served: Served) -> None:
    signed = await served.signed()
    answers = [await served.http.put(signed.url, content=BODY, headers=dict(signed.headers)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 412, 412]


async def test_forty_half_uploads_on_one_url_hold_no_more_than_two_of_them(served: Served) -> None:
    signed = await served.signed()
    parts = urlsplit(signed.url)
    head = "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
    request = (
        f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n{head}Content-Length: {len(BODY)}\r\n\r\n"
    )
    connections = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(40)]
    for _, writer in connections:
        writer.write(request.encode() + BODY[:1000])
    answers = [asyncio.create_task(reader.readline()) for reader, _ in connections]

    refused: list[bytes] = []
    for answer in asyncio.as_completed(answers):
        refused.append(await answer)
        if len(refused) == 38:
            break

    assert {line.split()[1] for line in refused} == {b"429"}
    assert len([path for path in served.staging.iterdir() if not path.suffix]) == 2
    for answer in answers:
        answer.cancel()
    for _, writer in connections:
        writer.close()
    await asyncio.gather(*answers, return_exceptions=True)


async def test_the_page_of_another_origin_is_refused(served: Served) -> None:
    asked = await served.preflight(await served.signed(), STRANGER)

    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers


async def test_the_api_keeps_its_own_answer(served: Served) -> None:
    signed = await served.signed()
    api = SignedPut(url=str(httpx.URL(signed.url).copy_with(path="/api/notifications", query=None)), headers={})

    assert (await served.preflight(api, SHOP)).status_code == 400
