"""The demo's uploads when the answer to one is lost on the way."""

import hashlib
import json
from pathlib import Path

import httpx
import pytest

from editqueue.domain.errors import SetupError
from editqueue.entrypoints.commands.demo_client import OrderClient

BODY = b"a photo"
INTENT = {"signed_url": "http://demo/objects/key", "object_key": "key", "headers": {"If-None-Match": "*"}}


async def uploaded(photo: Path, put_answer: httpx.Response) -> dict[str, object]:
    """What the demo said when it finalized."""
    finalized: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            assert request.headers["if-none-match"] == "*"
            return put_answer
        if request.url.path.endswith("/intent"):
            return httpx.Response(200, json=INTENT)
        finalized.append(json.loads(request.content))
        return httpx.Response(200, json={"file_id": "f"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://demo") as http:
        assert await OrderClient(http, "order").upload(photo, None) == "f"
    [done] = finalized
    return done


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(BODY)
    return path


async def test_what_is_there_already_is_taken_for_ours_if_its_checksum_is(photo: Path) -> None:
    done = await uploaded(photo, httpx.Response(412))

    assert done["checksum"] == hashlib.sha256(BODY).hexdigest()
    assert done["bytes"] == len(BODY)


async def test_what_was_just_sent_is_not_hashed(photo: Path) -> None:
    assert "checksum" not in await uploaded(photo, httpx.Response(200))


async def test_any_other_answer_ends_the_demo(photo: Path) -> None:
    with pytest.raises(SetupError, match="answered 429: wait"):
        await uploaded(photo, httpx.Response(429, json={"detail": "wait"}))
