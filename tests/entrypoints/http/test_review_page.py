"""The review page beside the API: open to everybody, because there is nothing in it."""

import re
from collections.abc import Mapping

import httpx
import pytest
from fastapi import FastAPI

from devtools.world import SECRET, World
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.page_bundle import FOREVER, WEB_DIR, bundle
from editqueue.entrypoints.http.review_page import HEADERS, content_security_policy, mount_review_page
from tests.entrypoints.http.client import BASE, Api, problem_of

R2 = "https://*.r2.cloudflarestorage.com"
PAGE = "/orders/0193-any/review"


def assert_has(headers: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    assert {name: headers.get(name) for name in wanted} == wanted


async def test_the_page_is_served_for_every_order_and_asks_for_no_token(api: Api) -> None:
    answer = await api.http.get(PAGE)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == bundle(WEB_DIR).html
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


def asked_for(html: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/review-assets/[^"]+)"', html)


async def test_what_the_page_asks_for_is_there_and_kept_for_a_year_but_its_configuration(api: Api) -> None:
    files = {path: await api.http.get(path) for path in asked_for((await api.http.get(PAGE)).text)}

    assert {answer.status_code for answer in files.values()} == {200}
    kept = {path: answer.headers["cache-control"] for path, answer in files.items()}
    assert kept.pop("/review-assets/config.json") == "no-cache"
    assert set(kept.values()) == {FOREVER}
    assert {path.rpartition("/")[2] for path in kept} == {"icon.svg", "page.css", "page.js", "de.json"}


async def test_texts_come_compressed_to_whoever_takes_that(api: Api) -> None:
    for path in (PAGE, next(path for path in asked_for(bundle(WEB_DIR).html) if path.endswith("page.js"))):
        plain, zipped, refused = [
            await api.http.get(path, headers={"Accept-Encoding": accepted})
            for accepted in ("identity", "br, gzip", "gzip;q=0, br")
        ]
        assert zipped.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert "content-encoding" not in refused.headers
        assert zipped.content == plain.content == refused.content
        assert int(zipped.headers["content-length"]) < len(plain.content) / 2
        assert all("Accept-Encoding" in answer.headers["vary"] for answer in (plain, zipped))


async def test_a_page_opened_before_an_update_still_gets_its_texts(api: Api) -> None:
    answer = await api.http.get("/review-assets/0123456789ab/en.json")

    assert answer.status_code == 200
    assert_has(answer.headers, {"cache-control": "no-cache", "x-content-type-options": "nosniff"})
    problem_of(await api.http.get("/review-assets/0123456789ab/config.json"), 404, "not_found")
    problem_of(await api.http.post("/review-assets/0123456789ab/en.json"), 405, "method_not_allowed")


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
