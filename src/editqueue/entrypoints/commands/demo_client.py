"""The API as the demo calls it for its order. What goes wrong becomes one clear line."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from editqueue.domain.errors import SetupError

MIME_OF = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".avif": "image/avif",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".heic": "image/heic", ".heif": "image/heif",
    ".dng": "image/x-adobe-dng", ".cr2": "image/x-canon-cr2", ".cr3": "image/x-canon-cr3",
    ".nef": "image/x-nikon-nef", ".arw": "image/x-sony-arw", ".raf": "image/x-fuji-raf",
    ".orf": "image/x-olympus-orf", ".rw2": "image/x-panasonic-rw2", ".pef": "image/x-pentax-pef",
    ".srw": "image/x-samsung-srw", ".mp4": "video/mp4", ".mov": "video/quicktime",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderClient:
    """One order through the API. Every method raises SetupError for an answer that is a problem."""

    http: httpx.AsyncClient
    order_id: str

    async def upload(self, photo: Path, room_type: str | None) -> str:
        """The id of the file that `photo` has become; its suffix is one of MIME_OF."""
        mime = MIME_OF[photo.suffix.lower()]
        wish = {"filename": photo.name, "mime": mime, "order_id": self.order_id, "room_type": room_type}
        intent = await self._call("POST", "/api/uploads/intent", wish)
        body = await asyncio.to_thread(photo.read_bytes)
        put = await self.http.put(intent["signed_url"], content=body, headers=intent["headers"])
        done = {"object_key": intent["object_key"], "bytes": len(body)}
        if put.status_code == HTTPStatus.PRECONDITION_FAILED:  # sent before, and the answer was lost on the way
            done["checksum"] = sha256(body).hexdigest()
        else:
            _check(put)
        return str((await self._call("POST", "/api/uploads/finalize", done))["file_id"])

    async def submit(self, ids: list[str]) -> set[str]:
        """Mark the files and send them off to be edited. Returns the ids of those that have a job now."""
        await self._call("POST", "/api/files/bulk-mark", {"ids": ids, "marked": True})
        answer = await self._call("POST", f"/api/orders/{self.order_id}/submit-edits", {"files": ids})
        return {job["file_id"] for job in answer["jobs"]}

    async def files(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = await self._call("GET", f"/api/orders/{self.order_id}/files?limit=200{cursor}")
            found += page["files"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def preview_link(self, file_id: str) -> str | None:
        answer = await self.http.get(f"/api/files/{file_id}/preview")
        return str(answer.json()["url"]) if answer.status_code == 200 else None

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.http.request(method, path, json=body)
        _check(answer)
        return answer.json()


@asynccontextmanager
async def open_client(url: str, token: str, order_id: str) -> AsyncGenerator[OrderClient]:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120, trust_env=False) as http:
            yield OrderClient(http, order_id)
    except httpx.HTTPError as error:
        raise SetupError(
            f"the demo's server does not answer at {url} ({type(error).__name__}: {error}); "
            "see its log, and whether EDITQUEUE_PUBLIC_URL, if it is set, leads to it"
        ) from error


def _check(answer: httpx.Response) -> None:
    """Raises SetupError with what the problem says, or the beginning of whatever else came back."""
    if not answer.is_error:
        return
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, LookupError, TypeError):
        detail = answer.text[:300]
    raise SetupError(f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {detail}")
