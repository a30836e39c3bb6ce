"""What the wiring of a server hands to whom."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from devtools.installation import OURS
from editqueue.settings import load_settings
from editqueue.wiring.server import open_bucket
from tests.adapters.bucket.s3.scripted_server import ScriptedServer, scripted_server

KEY = "user/1/orders/2/raw/a.jpg"


class LongAgo:
    """As of a database whose clock is wrong."""

    def now(self) -> datetime:
        return datetime(2001, 5, 1, tzinfo=UTC)


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as server:
        yield server


async def test_by_a_wrong_clock_urls_are_signed_but_no_request_of_ours(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.body = "<CopyObjectResult/>"
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    for name, value in {
        "EDITQUEUE_BUCKET_URL": "s3://media",
        "EDITQUEUE_S3_ENDPOINT": f"http://127.0.0.1:{server.port}",
        "R2_ACCESS_KEY_ID": "id",
        "R2_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    bucket, _ = open_bucket(load_settings(), clock=LongAgo())

    url = await bucket.sign_get(KEY, expires_in=timedelta(minutes=5))
    await bucket.write(KEY, b"", content_type="image/jpeg")
    await bucket.copy(KEY, "user/1/orders/2/processed/a.jpg")
    await bucket.close()

    assert "X-Amz-Date=20010501T" in url
    assert len(server.asked) == 2
    assert not any("x-amz-date: 2001" in request for request in server.asked)
