"""The deployed Worker as its one customer sees it: enough of the API to upload a photo and get a preview."""

import json
from dataclasses import dataclass, field
from typing import Any

import jwt
import pyvips  # pyright: ignore[reportMissingTypeStubs]
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from devtools.cloudflare_account.server import Account
from editqueue.domain.keys import ObjectKeys

NAME = "editqueue"


def _preview() -> bytes:
    image: Any = pyvips.Image.black(1280, 800, bands=3)
    return image.jpegsave_buffer()


@dataclass
class DeployedWorker:
    account: Account
    photos: list[bytes] = field(default_factory=list[bytes])
    preview: bytes = field(default_factory=_preview)
    refuses: int = 0
    """So many uploads are answered 403, as with keys that are not known everywhere yet."""
    breaks: int = 0
    """So many looks at the status are answered 503."""
    copies: bool = False
    """Gives the photo itself for its preview."""
    outcome: str = "done"
    """What becomes of the job."""

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/healthz", self._healthz),
            Route("/api/uploads/intent", self._intent, methods=["POST"]),
            Route("/upload", self._upload, methods=["PUT"]),
            Route("/api/uploads/finalize", self._file, methods=["POST"]),
            Route("/api/files/bulk-mark", self._file, methods=["POST"]),
            Route("/api/orders/{id}/submit-edits", self._file, methods=["POST"]),
            Route("/api/orders/{id}/status", self._status),
            Route("/api/files/{id}/preview", self._link),
            Route("/preview", self._picture),
        ]

    async def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"} if NAME in self.account.workers.scripts else None)

    async def _intent(self, request: Request) -> Response:
        user = self._signed_in(request)
        order = json.loads(await request.body())["order_id"]
        key = ObjectKeys(user, order, "trial.jpg").raw
        [database] = self.account.d1.databases.values()
        columns = "object_key, order_id, user_id, basename, filename, mime, created_at"
        row = (key, order, user, "trial", "trial.jpg", "image/jpeg", 0)
        database.execute([(f"INSERT INTO uploads ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)])
        url = f"{self.account.origin}/upload"
        return JSONResponse({"signed_url": url, "object_key": key, "headers": {"if-none-match": "*"}})

    async def _upload(self, request: Request) -> Response:
        if self.refuses > 0:
            self.refuses -= 1
            return Response(status_code=403)
        self.photos.append(await request.body())
        return Response()

    async def _file(self, _request: Request) -> Response:
        return JSONResponse({"ok": True, "file_id": "file"})

    async def _status(self, _request: Request) -> Response:
        if self.breaks > 0:
            self.breaks -= 1
            return Response(status_code=503)
        none = {"queued": 0, "in_progress": 0, "done": 0, "failed": 0, "total": 1}
        return JSONResponse({**none, self.outcome: 1})

    async def _link(self, _request: Request) -> Response:
        return JSONResponse({"url": f"{self.account.origin}/preview"})

    async def _picture(self, _request: Request) -> Response:
        return Response(self.photos[-1] if self.copies else self.preview, media_type="image/jpeg")

    def _signed_in(self, request: Request) -> str:
        secret = self.account.workers.scripts[NAME].deployed.secrets["JWT_SECRET"]
        token = request.headers["authorization"].removeprefix("Bearer ")
        return jwt.decode(token, secret, algorithms=["HS256"])["sub"]  # pyright: ignore[reportUnknownMemberType]  # as in auth.py
