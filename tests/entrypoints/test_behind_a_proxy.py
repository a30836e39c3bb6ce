"""`serve` behind nginx as deploy/proxy/ sets it up: what a browser does works, by the name that it knows."""

import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.installation import Installation, free_port
from devtools.nginx import configuration, nginx
from devtools.patience import PATIENCE
from devtools.pictures.samples import decoded, encoded, scene

BIG = 2_000_000
"""Bytes; nginx takes 1 MB unless it is told otherwise."""


@contextmanager
def behind_nginx(folder: Path, here: Installation) -> Generator[tuple["subprocess.Popen[str]", str]]:
    """`serve` as nginx passes on to it, and what it said first."""
    port = free_port()
    public = free_port()
    here.environment["EDITQUEUE_PUBLIC_URL"] = f"http://127.0.0.1:{public}"
    with here.start("serve", "--port", str(port)) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline() + server.stdout.readline()
            with nginx(folder, configuration(listens=public, passes_to=port), port=public):
                yield server, said
        finally:
            server.kill()


def test_a_photo_goes_through_the_proxy_and_its_preview_comes_back(tmp_path: Path) -> None:
    here = Installation(tmp_path / "data")
    (tmp_path / "nginx").mkdir()
    order = here.run("order", "create", "--user-id", "anna").json()["order_id"]
    photo = encoded(scene(1600, 1200))
    photo += bytes(max(0, BIG - len(photo)))

    with behind_nginx(tmp_path / "nginx", here) as (_, said):
        token = here.run("token", "--user-id", "anna").out.strip()
        public = here.environment["EDITQUEUE_PUBLIC_URL"]
        assert said.startswith(f"editqueue serves {public}, listening on http://127.0.0.1:")
        assert f"Review page: {public}/orders/ORDER_ID/review" in said
        # as the page's scripts: with the cookie, from the page's own origin
        own = {"Cookie": f"auth_session={token}", "Origin": public}
        with httpx.Client(base_url=public, headers=own, trust_env=False, timeout=PATIENCE) as http:
            preview = _edited(http, order, photo)
            page = http.get(f"/orders/{order}/review")

        assert preview.url.host == "127.0.0.1"
        assert str(preview.url).startswith(f"{public}/objects/")
        assert (preview.status_code, decoded(preview.content).size) == (200, (1280, 960))
        assert f"img-src 'self' {public};" in page.headers["content-security-policy"]
        assert re.findall(r'src="(/review-assets/[^"]+)"', page.text)


def _edited(http: httpx.Client, order: str, photo: bytes) -> httpx.Response:
    """Upload, mark, submit, wait: the preview."""

    def post(path: str, body: object) -> Any:
        answer = http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    intent = post("/api/uploads/intent", {"filename": "kueche.jpg", "mime": "image/jpeg", "order_id": order})
    put = http.put(intent["signed_url"], content=photo, headers=intent["headers"])
    assert put.status_code == 200, put.text
    file = post("/api/uploads/finalize", {"object_key": intent["object_key"], "bytes": len(photo)})["file_id"]
    post("/api/files/bulk-mark", {"ids": [file], "marked": True})
    post(f"/api/orders/{order}/submit-edits", {"files": [file]})
    while not (answer := http.get(f"/api/files/{file}/preview")).is_success:
        assert http.get(f"/api/orders/{order}/status").json()["failed"] == 0
    return httpx.get(answer.json()["url"], trust_env=False)


@pytest.mark.parametrize("host", ["evil.example", None], ids=["another host", "the proxy's own name for it"])
def test_a_page_of_the_public_url_is_not_foreign_whatever_host_the_proxy_passes_on(
    tmp_path: Path, host: str | None
) -> None:
    here = Installation(tmp_path / "data", {"EDITQUEUE_PUBLIC_URL": "https://edit.pix.immo"})
    with here.start("serve", "--port", "0", "--no-consumer") as server:
        try:
            assert server.stdout is not None
            [url] = re.findall(r"listening on (\S+)", server.stdout.readline())
            token = here.run("token", "--user-id", "anna").out.strip()
            cookie = {"Cookie": f"auth_session={token}", **({"Host": host} if host else {})}
            with httpx.Client(base_url=url, headers=cookie, trust_env=False) as http:
                asked = {
                    origin: http.post(
                        "/api/files/bulk-mark", json={"ids": ["a"], "marked": True}, headers={"Origin": origin}
                    ).status_code
                    for origin in ("https://edit.pix.immo", "http://edit.pix.immo", "https://pix.immo")
                }
        finally:
            server.kill()

    assert asked == {"https://edit.pix.immo": 404, "http://edit.pix.immo": 403, "https://pix.immo": 403}


def test_serve_on_every_address_says_at_its_start_what_will_not_work(tmp_path: Path) -> None:
    here = Installation(tmp_path / "data")

    with here.start("serve", "--host", "0.0.0.0", "--port", "0", "--no-consumer") as server:
        try:
            assert server.stdout is not None
            said = [server.stdout.readline() for _ in range(4)]
        finally:
            server.kill()

    assert "editqueue order create --user-id" in said[2]
    assert "editqueue token --user-id" in said[2]
    assert said[3].startswith("Links begin with http://127.0.0.1:")
    assert "Set EDITQUEUE_PUBLIC_URL to what browsers call this server" in said[3]
