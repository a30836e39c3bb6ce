"""Every request that the application got, told when its answer is over."""

import time
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"}
"""What clients call others is their affair: they could make as many as they like."""
MOUNTED = ("/objects", "/review-assets")
"""Applications of their own, whose routes would not say that they are theirs."""
OTHER = "other"


class Count(Protocol):
    def __call__(self, *, method: str, route: str, status: int, seconds: float) -> None: ...


class Counted:
    """Around all others, so that their answers count as well."""

    def __init__(self, app: ASGIApp, *, count: Count) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # what the server answers where the application says nothing

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.monotonic()
        try:
            await self._app(scope, receive, send_noted)
        finally:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._count(method=method, route=_route_of(scope), status=status, seconds=time.monotonic() - began)


def _route_of(scope: Scope) -> str:
    """The pattern that matched, which carries no id; "other" for what nothing matched."""
    mount = next((mount for mount in MOUNTED if scope["path"].startswith(f"{mount}/")), None)
    return mount or getattr(scope.get("route"), "path", OTHER)
