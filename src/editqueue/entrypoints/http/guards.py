"""What is checked before a request reaches a route: where it comes from, and how big it is."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from editqueue.entrypoints.http.auth import uses_cookie
from editqueue.entrypoints.http.problems import ProblemResponse, problem

MAX_BODY = 1024 * 1024
"""Bytes of a JSON body. 1,000 ids are 40 KB."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignOriginGuard:
    """A cookie is sent by browsers from any page: writes with it must come from a page we trust.

    That is one of `allowed_origins`, and one of our own: of `own_origin` where that is known, else of the Host that the
    request names, which whoever stands in front may have set.
    """

    def __init__(self, app: ASGIApp, allowed_origins: Sequence[str], own_origin: str | None) -> None:
        self._app = app
        self._allowed = frozenset(allowed_origins)
        self._own_origin = own_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refuse(Request(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refuse(self, request: Request) -> ProblemResponse | None:
        origin = request.headers.get("origin")
        if request.method in _READING or origin is None or not uses_cookie(request):
            return None
        if origin in self._allowed or self._is_own(origin, request):
            return None
        return problem(
            403,
            "foreign_origin",
            "writes from this origin are not allowed: it is neither EDITQUEUE_PUBLIC_URL nor among ALLOWED_ORIGINS",
        )

    def _is_own(self, origin: str, request: Request) -> bool:
        if self._own_origin is not None:
            return origin == self._own_origin
        return _host(origin) == request.headers.get("host", "")


def _host(origin: str) -> str | None:
    """Host and port of an origin; None for `null` and for what is no URL."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


class OneLength:
    """Answers 400 to a body with two lengths: a proxy in front may have gone by the other one, and taken for the next
    request what is the end of this one (RFC 9112, 6.3)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _ in scope["headers"]} if scope["type"] == "http" else set[bytes]()
        await (_TWO_LENGTHS if names >= _LENGTHS else self._app)(scope, receive, send)


_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
_TWO_LENGTHS = problem(
    400, "bad_request", "send either Content-Length or Transfer-Encoding, not both", headers={"Connection": "close"}
)


class BodyTooLarge(HTTPException):
    """The body went over MAX_BODY while it was read. FastAPI lets only HTTPExceptions out of its body parser."""

    def __init__(self) -> None:
        super().__init__(413)


class BodyLimit:
    """Answers 413 before a body over MAX_BODY is in memory. Object uploads have their own limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api"):
            await self._app(scope, receive, send)
            return
        length = Request(scope).headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and len(length) < 19 and int(length) > MAX_BODY:
            await _TOO_LARGE(scope, receive, send)
        else:
            await self._app(scope, _limited(receive), send)


_TOO_LARGE = problem(413, "body_too_large", f"the body is over {MAX_BODY} bytes")


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise BodyTooLarge
        return message

    return limited
