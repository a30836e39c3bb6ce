"""The review page: static files, the same ones that Cloudflare Pages can serve.

The page gets a strict Content-Security-Policy: nothing inline, no foreign script, and no text that becomes HTML.
"""

import gzip
import mimetypes
import re
from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from editqueue.entrypoints.http.page_bundle import ASSETS, FOREVER, WEB_DIR, Bundle, bundle

ROUTE: Final = "/orders/{id}/review"
_ASSET_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # asked again each time, so that a new version shows at once
}
HEADERS: Final = {
    **_ASSET_HEADERS,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def mount_review_page(app: FastAPI, *, preview_origin: str) -> None:
    """Serve `/orders/{id}/review` and its assets. Signed preview URLs point at `preview_origin`.

    Raises ValueError for an origin that would change the policy, FileNotFoundError without the page.
    """
    headers = {**HEADERS, "Content-Security-Policy": content_security_policy(preview_origin)}
    try:
        made = bundle(WEB_DIR)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no review page in {WEB_DIR}: the package was installed without it") from error
    page = _Compressed(made.html.encode(), "text/html; charset=utf-8", headers)

    async def review(request: Request, id: str) -> Response:  # noqa: A002, ARG001  # the page reads the order's id from its address
        return page.answer(request.headers.get("accept-encoding", ""))

    app.state.review_page = ROUTE
    app.add_api_route(ROUTE, review, methods=["GET", "HEAD"], include_in_schema=False, response_model=None)
    app.mount(f"/{ASSETS}", _Assets(made), name=ASSETS)


def content_security_policy(preview_origin: str) -> str:
    """The policy of the page: previews may come from its own origin and from `preview_origin`."""
    if not re.fullmatch(r"https?://[A-Za-z0-9._*\-\[\]:]+", preview_origin):
        raise ValueError(f"not an origin for previews: {preview_origin!r}; an example: https://bucket.example")
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' {preview_origin}",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


class _Compressed:
    """A body that is compressed once and answered to many."""

    def __init__(self, body: bytes, media_type: str, headers: Mapping[str, str]) -> None:
        self._plain = body
        self._zipped = gzip.compress(body, mtime=0)
        self._headers = {**headers, "Content-Type": media_type, "Vary": "Accept-Encoding"}

    def answer(self, accepted: str, more: Mapping[str, str] | None = None) -> Response:
        headers = {**self._headers, **(more or {})}
        if re.search(r"\bgzip\b(?!\s*;\s*q=0(?:\.0+)?\s*(?:,|$))", accepted):
            return Response(self._zipped, headers={**headers, "Content-Encoding": "gzip"})
        return Response(self._plain, headers=headers)


class _Assets(StaticFiles):
    """The files of the page: joined and versioned as its HTML asks for them, and each by its own name."""

    def __init__(self, made: Bundle) -> None:
        super().__init__(directory=WEB_DIR / ASSETS)
        self._version = made.version
        self._joined = {name: _Compressed(body, _kind_of(name), _ASSET_HEADERS) for name, body in made.files.items()}

    async def get_response(self, path: str, scope: Scope) -> Response:
        version, _, name = path.replace("\\", "/").partition("/")
        if re.fullmatch(r"[0-9a-f]{12}", version):
            return self._of_version(version, name, scope)
        response = await super().get_response(path, scope)
        response.headers.update(_ASSET_HEADERS)
        return response

    def _of_version(self, version: str, name: str, scope: Scope) -> Response:
        """A page that was opened before an update still asks by the old version: it gets the new file, unkept."""
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405)
        if name not in self._joined:
            raise HTTPException(404)
        more = {"Cache-Control": FOREVER} if version == self._version else {}
        accepted = Request(scope).headers.get("accept-encoding", "")
        return self._joined[name].answer(accepted, more)


def _kind_of(name: str) -> str:
    kind, _ = mimetypes.guess_type(name)
    return f"{kind}; charset=utf-8" if kind and kind.startswith("text/") else kind or "application/octet-stream"
