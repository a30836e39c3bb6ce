"""A page of an allowed origin uploads into a local bucket through the server as `serve` builds it; no other may."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from editqueue.entrypoints.commands.serving import listening, make_web_server, run_both
from editqueue.ports.bucket import Bucket, SignedPut
from editqueue.settings import load_settings
from editqueue.wiring.data_dir import jwt_secret
from editqueue.wiring.server import open_server

SHOP, STRANGER = "https://app.pix.immo", "https://evil.example"
KEY = "user/anna/orders/1/raw/a.jpg"


@dataclass(frozen=True, kw_only=True)
class Served:
    bucket: Bucket
    http: httpx.AsyncClient

    async def signed(self) -> SignedPut:
        return await self.bucket.sign_put(KEY, content_type="image/jpeg", max_bytes=9, expires_in=timedelta(minutes=5))

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
            yield Served(bucket=server.ports.bucket, http=http)
            stop.set()
            await running


async def test_the_page_of_an_allowed_origin_may_put_with_the_headers_that_are_signed(served: Served) -> None:
    signed = await served.signed()

    asked = await served.preflight(signed, SHOP)
    put = await served.http.put(signed.url, content=b"body", headers={**signed.headers, "Origin": SHOP})

    assert asked.status_code == 200, asked.text
    assert asked.headers["access-control-allow-origin"] == SHOP
    assert asked.headers["access-control-allow-credentials"] == "true"
    assert "PUT" in asked.headers["access-control-allow-methods"]
    assert put.status_code == 200, put.text
    assert put.headers["access-control-allow-origin"] == SHOP
    assert await served.bucket.read(KEY) == b"body"


async def test_the_page_of_another_origin_is_refused(served: Served) -> None:
    asked = await served.preflight(await served.signed(), STRANGER)

    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers


async def test_the_api_keeps_its_own_answer(served: Served) -> None:
    signed = await served.signed()
    api = SignedPut(url=str(httpx.URL(signed.url).copy_with(path="/api/notifications", query=None)), headers={})

    assert (await served.preflight(api, SHOP)).status_code == 400
