"""The API as a browser or a script calls it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp, Message

from devtools.seeds import NOON, claim, seed_files, seed_order, submit
from devtools.world import SECRET, World, keys_of
from editqueue.adapters.bucket.local.server import create_object_app
from editqueue.domain.files import File, Order
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.auth import issue_token
from editqueue.entrypoints.http.in_time import HANG_UP
from editqueue.ports import Ports

BASE = "http://127.0.0.1:8787"
"""Where the signed URLs of the memory bucket point."""
FRIEND = "https://www.pix.immo"
PROBLEM = "application/problem+json"


def token(
    user_id: str, *, ttl: timedelta = timedelta(hours=1), secret: str = SECRET, issued_at: datetime = NOON
) -> str:
    return issue_token(user_id, secret=secret, now=issued_at, ttl=ttl)


def bearer(user_id: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(user_id)}"}


def build_app(world: World, ports: Ports | None = None) -> FastAPI:
    return create_app(
        ports or world.ports,
        jwt_secret=SECRET,
        allowed_origins=[FRIEND],
        object_app=create_object_app(world.bucket, world.signer),
        preview_origin=BASE,
    )


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of `answer`, which must be one of that status and code."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["code"] == code, answer.text
    assert body["title"]
    assert body["detail"]
    return body


async def exchanged(app: ASGIApp) -> tuple[list[Message], bool]:
    """What `app` sent on a connection of its own, and whether it cut it."""
    sent: list[Message] = []
    cut = asyncio.Event()

    async def receive() -> Message:
        await cut.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/api/x", "extensions": {HANG_UP: {"now": cut.set}}}
    await app(scope, receive, send)
    return sent, cut.is_set()


@dataclass(frozen=True)
class Api:
    world: World
    http: httpx.AsyncClient

    async def get(
        self, path: str, *, user: str = "anna", params: Mapping[str, str | int] | None = None
    ) -> httpx.Response:
        return await self.http.get(path, params=params, headers=bearer(user))

    async def post(self, path: str, body: object = None, *, user: str = "anna") -> httpx.Response:
        return await self.http.post(path, json=body, headers=bearer(user))

    async def delete(self, path: str, body: object, *, user: str = "anna") -> httpx.Response:
        return await self.http.request("DELETE", path, json=body, headers=bearer(user))

    async def submit(self, order: Order, ids: Sequence[str], *, user: str = "anna", **more: object) -> httpx.Response:
        return await self.post(f"/api/orders/{order.id}/submit-edits", {"files": [*ids], **more}, user=user)

    async def order(self, user: str = "anna") -> Order:
        return await seed_order(self.world.store, user_id=user)

    async def files(self, count: int = 1, *, marked: bool = True, user: str = "anna") -> tuple[Order, list[File]]:
        order = await self.order(user)
        return order, [*await seed_files(self.world.store, order, count, marked=marked)]

    async def lock(self, file: File) -> str:
        """Submit and claim: the file is being edited now. The id of its job."""
        [job_id] = await submit(self.world.store, [file])
        assert (await claim(self.world.store)).job.id == job_id
        return job_id

    async def finish(self, file: File) -> None:
        """Submit, claim and finish: the file is done and its preview is there."""
        await submit(self.world.store, [file])
        taken = await claim(self.world.store)
        key = keys_of(file).preview
        await self.world.bucket.write(key, b"a preview", content_type="image/jpeg")
        await self.world.store.finish(
            taken, preview_url=f"r2://{self.world.bucket.name}/{key}", bytes_copied=7, now=self.world.clock.now()
        )
