"""The review page: static files, the same ones that Cloudflare Pages can serve.

The page gets a strict Content-Security-Policy: nothing inline, no foreign script, and no text that becomes HTML.
"""

import re
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB_DIR: Final = Path(__file__).parents[2] / "web"
ASSETS: Final = "review-assets"
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
    page = WEB_DIR / "review.html"
    if not page.is_file():
        raise FileNotFoundError(f"no review page at {page}: the package was installed without its web files")
    headers = {**HEADERS, "Content-Security-Policy": content_security_policy(preview_origin)}

    async def review(id: str) -> FileResponse:  # noqa: A002, ARG001  # the page reads the order's id from its address
        return FileResponse(page, media_type="text/html", headers=headers)

    app.add_api_route(ROUTE, review, methods=["GET", "HEAD"], include_in_schema=False, response_model=None)
    app.mount(f"/{ASSETS}", _Assets(directory=WEB_DIR / ASSETS), name=ASSETS)


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


class _Assets(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_ASSET_HEADERS)
        return response
