"""The API of the contract as the page sees it, in memory, put before a browser page by routing."""

import asyncio
import io
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
from fastapi import FastAPI
from PIL import Image
from playwright.async_api import Page, Route

from editqueue.entrypoints.http.review_page import mount_review_page

SITE: Final = "http://localhost:8787"
BUCKET: Final = "https://bucket.test"
ORDER: Final = "order-1"
NOW: Final = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
JsonObject = dict[str, Any]

_SITE_ANSWERS: dict[str, httpx.Response] = {}
"""The files of the page do not change while tests run: each is asked of the app once."""
_TURN: Final = """new Promise((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done();
  port2.postMessage(0);
})"""
"""One turn of the page's event loop, whatever its clock says."""
_PREVIEW = re.compile(r"/api/files/([^/]+)/preview")
_ACTION = re.compile(r"/api/files/([^/]+)/(approve|revision)")


class Refusal(Exception):
    def __init__(self, status: int, code: str, *ids: str) -> None:
        super().__init__(code)
        self.status = status
        self.body: JsonObject = {"type": "about:blank", "title": code, "status": status, "code": code, "detail": code}
        if ids:
            self.body["ids"] = list(ids)


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def a_file(number: int, status: str = "uploaded", **fields: Any) -> JsonObject:
    """A file as the API describes it; `number` makes its id, name and index."""
    done = status == "done"
    return {
        "id": f"f{number}",
        "order_id": ORDER,
        "object_key": f"user/u/orders/{ORDER}/raw/IMG_{number:04}.jpg",
        "name": f"IMG_{number:04}.jpg",
        "mime": "image/jpeg",
        "bytes": 12_345_678,
        "room_type": "living_room",
        "stack_id": None,
        "index": number,
        "ver": 1,
        "status": status,
        "locked": status == "in_progress",
        "marked": status in {"queued", "in_progress", "done", "failed"},
        "approved": False,
        "preview_url": f"r2://piximmo-media/preview/IMG_{number:04}.jpg" if done else None,
        "created_at": stamp(NOW),
        "updated_at": stamp(NOW),
        **fields,
    }


def a_notification(number: int, file_id: str, **fields: Any) -> JsonObject:
    return {
        "id": f"n{number}",
        "type": "edit_done",
        "created_at": stamp(NOW + timedelta(seconds=number)),
        "order_id": ORDER,
        "file_id": file_id,
        "message": f"Ihr Foto „IMG_{number:04}.jpg“ ist fertig bearbeitet. Die Vorschau liegt bereit.",
        **fields,
    }


def plain_jpeg(_: str) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (48, 32), (110, 126, 107)).save(body, "JPEG")
    return body.getvalue()


class MockApi:
    """`files` and `notifications` are what it answers with; change them to let something happen.

    `requests` holds (method, path, body) of everything asked; `refuse` and `lost` make it fail.
    """

    def __init__(self, files: list[JsonObject], notifications: list[JsonObject] | None = None) -> None:
        self.files = files
        self.notifications = notifications or []
        self.requests: list[tuple[str, str, Any]] = []
        self.authorization: list[str | None] = []
        self.refuse: dict[str, Refusal] = {}
        """Refusals by a part of the path; they stay until taken out."""
        self.hold: dict[str, asyncio.Event] = {}
        """Requests with this part in their path are answered when the event is set."""
        self.bucket = BUCKET
        self.lost = False
        self.site_lost = ""
        """A part of the path of the page's own files that cannot be had."""
        self.site_folder: Path | None = None
        """Where a static host has the page from, instead of the server that mounts it."""
        self.url_life = timedelta(minutes=5)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.signed = 0
        self.pictures_sent = 0
        self.good_urls: set[str] | None = None
        """The signed URLs that the bucket still takes; None: all of them."""
        self.picture: Callable[[str], bytes] = plain_jpeg
        self.active = 0
        self.in_flight = 0
        self.most_in_flight = 0

    async def attach(self, page: Page) -> None:
        await page.route(f"{SITE}/**", self._serve_site)
        await page.route(f"{SITE}/api/**", self._serve_api)
        await page.route(f"{BUCKET}/**", self._serve_picture)

    def asked(self, method: str, part: str) -> list[Any]:
        """The bodies of the requests whose path has `part` in it."""
        return [body for verb, path, body in self.requests if verb == method and part in path]

    def file(self, file_id: str) -> JsonObject:
        return next(file for file in self.files if file["id"] == file_id)

    def finish(self, file_id: str) -> None:
        self.file(file_id).update(status="done", locked=False, preview_url=f"r2://piximmo-media/preview/{file_id}.jpg")

    async def _serve_site(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if self.site_lost and self.site_lost in path:
            await route.abort("internetdisconnected")
            return
        if self.site_folder is not None:
            file = "/review.html" if path.endswith("/review") else path
            await route.fulfill(path=self.site_folder / file[1:])
            return
        answer = await _site_answer(path)
        await route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

    async def _serve_picture(self, route: Route) -> None:
        url = route.request.url
        if self.lost:
            await route.abort("internetdisconnected")
        elif self.good_urls is not None and url not in self.good_urls:
            await route.fulfill(status=403, json={"code": "url_expired"})
        else:
            self.pictures_sent += 1
            headers = {"Cache-Control": "private, max-age=300"}
            await route.fulfill(body=self.picture(urlsplit(url).path), content_type="image/jpeg", headers=headers)
        self.in_flight -= 1

    async def quiet(self, page: Page) -> None:
        """Until the page has heard every answer and asks nothing more at once."""
        seen, same = -1, 0
        while same < 3:
            await page.evaluate(_TURN)
            same = same + 1 if self.active == 0 and seen == len(self.requests) else 0
            seen = len(self.requests)

    async def _serve_api(self, route: Route) -> None:
        self.active += 1
        try:
            await self._serve(route)
        finally:
            self.active -= 1

    async def _serve(self, route: Route) -> None:
        if self.lost:
            await route.abort("internetdisconnected")
            return
        request = route.request
        url = urlsplit(request.url)
        body = json.loads(request.post_data) if request.post_data else None
        self.requests.append((request.method, url.path, body))
        self.authorization.append(request.headers.get("authorization"))
        for part, event in [*self.hold.items()]:
            if part in url.path:
                await event.wait()
        try:
            self._refuse(url.path)
            status, answer = self._answer(request.method, url.path, body, parse_qs(url.query))
        except Refusal as refusal:
            await route.fulfill(status=refusal.status, json=refusal.body, content_type="application/problem+json")
            return
        await route.fulfill(status=status, json=answer)

    def answer(self, method: str, path: str, body: bytes, query: Mapping[str, list[str]]) -> tuple[int, bytes]:
        """What a server that puts this API before a browser has to send."""
        asked = json.loads(body) if body else None
        self.requests.append((method, path, asked))
        status, answer = self._answer(method, path, asked, query)
        return status, json.dumps(answer).encode()

    def _refuse(self, path: str) -> None:
        for part, refusal in self.refuse.items():
            if part in path:
                raise refusal

    def _answer(  # noqa: PLR0911  # one line per route
        self, method: str, path: str, body: Any, query: Mapping[str, list[str]]
    ) -> tuple[int, JsonObject]:
        if found := _PREVIEW.fullmatch(path):
            return 200, self.sign(found[1])
        if found := _ACTION.fullmatch(path):
            return self._act(found[1], found[2])
        if path.endswith("/files"):
            files, cursor = _slice(self.files, query)
            return 200, {"files": files, "next_cursor": cursor}
        if path.endswith("/status"):
            return 200, self._counts()
        if path == "/api/notifications":
            newest = sorted(self.notifications, key=lambda notification: notification["created_at"], reverse=True)
            items, cursor = _slice(newest, query)
            return 200, {"items": items, "next_cursor": cursor}
        if path.startswith("/api/files/bulk"):
            return self._remove(body["ids"]) if method == "DELETE" else self._mark(body["ids"], marked=body["marked"])
        if path.endswith("/submit-edits"):
            return self._submit(body["files"])
        raise AssertionError(f"not in the contract: {method} {path}")

    def sign(self, file_id: str) -> JsonObject:
        """What GET preview answers; replace it to sign otherwise."""
        if self.file(file_id)["preview_url"] is None:
            raise Refusal(404, "preview_not_found", file_id)
        self.signed += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        url = f"{self.bucket}/preview/{file_id}.jpg?signature={self.signed}"
        if self.good_urls is not None:
            self.good_urls.add(url)
        return {"url": url, "expires_at": stamp(self.clock() + self.url_life)}

    def _act(self, file_id: str, action: str) -> tuple[int, JsonObject]:
        file = self.file(file_id)
        if action == "approve":
            file["approved"] = True
            return 200, {"ok": True, "status": "approved"}
        file.update(status="queued", approved=False, ver=file["ver"] + 1)
        return 201, {"ok": True, "status": "queued", "job_id": f"job-{file_id}"}

    def _counts(self) -> JsonObject:
        words = ("queued", "in_progress", "done", "failed")
        counts = {word: sum(file["status"] == word for file in self.files) for word in words}
        return {**counts, "total": sum(counts.values())}

    def _mark(self, ids: list[str], *, marked: bool) -> tuple[int, JsonObject]:
        for file_id in ids:
            self.file(file_id)["marked"] = marked
        return 200, {"ok": True}

    def _remove(self, ids: list[str]) -> tuple[int, JsonObject]:
        self.files = [file for file in self.files if file["id"] not in ids]
        return 200, {"ok": True, "deleted": len(ids)}

    def _submit(self, ids: list[str]) -> tuple[int, JsonObject]:
        for file_id in ids:
            self.file(file_id)["status"] = "queued"
        jobs = [{"id": f"job-{file_id}", "file_id": file_id, "status": "queued"} for file_id in ids]
        return 201, {"ok": True, "jobs": jobs}


def _slice(items: list[JsonObject], query: Mapping[str, list[str]]) -> tuple[list[JsonObject], str | None]:
    start = int(query.get("cursor", ["0"])[0])
    end = start + int(query["limit"][0])
    return items[start:end], str(end) if end < len(items) else None


async def _site_answer(path: str) -> httpx.Response:
    if path not in _SITE_ANSWERS:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=_site())) as client:
            _SITE_ANSWERS[path] = await client.get(SITE + path, headers={"Accept-Encoding": "identity"})
    return _SITE_ANSWERS[path]


def _site() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    mount_review_page(app, preview_origin=BUCKET)
    return app
