"""The review page beside the API: open to everybody, because there is nothing in it."""

from collections.abc import Mapping

import httpx
import pytest
from fastapi import FastAPI

from devtools.world import SECRET, World
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.review_page import HEADERS, WEB_DIR, content_security_policy, mount_review_page
from tests.entrypoints.http.client import BASE, Api, problem_of

R2 = "https://*.r2.cloudflarestorage.com"
PAGE = "/orders/0193-any/review"


def assert_has(headers: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    assert {name: headers.get(name) for name in wanted} == wanted


async def test_the_page_is_served_for_every_order_and_asks_for_no_token(api: Api) -> None:
    answer = await api.http.get(PAGE)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == (WEB_DIR / "review.html").read_text(encoding="utf-8")
    assert (await api.http.head(PAGE)).status_code == 200
    problem_of(await api.http.post(PAGE), 405, "method_not_allowed")


async def test_the_policy_of_the_page_allows_its_own_files_and_the_bucket_s_previews(api: Api) -> None:
    headers = (await api.http.get(PAGE)).headers

    assert_has(headers, HEADERS)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"img-src 'self' {BASE};" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "name", ["main.js", "data/api.js", "ui/tile.js", "review.css", "de.json", "en.json", "config.json", "icon.svg"]
)
async def test_the_assets_are_served_as_what_they_are(api: Api, name: str) -> None:
    answer = await api.http.get(f"/review-assets/{name}")

    kinds = {"js": "text/javascript", "css": "text/css", "json": "application/json", "svg": "image/svg+xml"}
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kinds[name.partition(".")[2]]
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = {"If-None-Match": answer.headers["etag"]}
    assert (await api.http.get(f"/review-assets/{name}", headers=again)).status_code == 304


@pytest.mark.parametrize("path", ["nothing.js", "..%2f_headers", "%2e%2e/_headers", "../__init__.py", ""])
async def test_nothing_but_the_assets_can_be_had(api: Api, path: str) -> None:
    problem_of(await api.http.get(f"/review-assets/{path}"), 404, "not_found")


async def test_cloudflare_pages_sends_the_same_headers() -> None:
    lines = (WEB_DIR / "_headers").read_text(encoding="utf-8").splitlines()
    pages = dict(one.strip().split(": ", 1) for one in lines if one.startswith("  "))

    assert pages == {**HEADERS, "Content-Security-Policy": content_security_policy(R2)}


async def test_cloudflare_pages_answers_the_same_address() -> None:
    rules = [one for one in (WEB_DIR / "_redirects").read_text(encoding="utf-8").splitlines() if one[0] == "/"]

    assert rules == ["/orders/:id/review /review 200"]


@pytest.mark.parametrize("origin", ["", "https://a.example; script-src *", "https://a.example 'unsafe-inline'", "*"])
def test_an_origin_that_would_change_the_policy_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="not an origin"):
        mount_review_page(FastAPI(), preview_origin=origin)


async def test_an_api_whose_page_is_served_elsewhere_has_none(world: World) -> None:
    app = create_app(world.ports, jwt_secret=SECRET)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
        problem_of(await http.get(PAGE), 404, "not_found")
