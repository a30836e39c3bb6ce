"""The review page: static files, the same ones that Cloudflare Pages can serve.

The page gets a strict Content-Security-Policy: nothing inline, no foreign script, and no text that becomes HTML.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ASSETS: Final = "review-assets"
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",  # asked again each time, answered 304: a new version shows at once
}


def mount_review_page(app: FastAPI, web_dir: Path, *, image_origins: Sequence[str]) -> None:
    """Serve `/orders/{id}/review` and its assets from `web_dir`.

    `image_origins` are the origins of signed preview URLs (`https://bucket.example`), beside the page's own.
    Raises ValueError for an origin that would change the policy, FileNotFoundError without the page.
    """
    page = web_dir / "review.html"
    if not page.is_file():
        raise FileNotFoundError(f"no review page at {page}: the package was installed without its web files")
    headers = {**_HEADERS, "Content-Security-Policy": content_security_policy(image_origins)}

    async def review(id: str) -> FileResponse:  # noqa: A002, ARG001  # the page reads the order's id from its address
        return FileResponse(page, media_type="text/html", headers=headers)

    app.add_api_route(
        "/orders/{id}/review", review, methods=["GET", "HEAD"], include_in_schema=False, response_model=None
    )
    app.mount(f"/{ASSETS}", _Assets(directory=web_dir / ASSETS), name=ASSETS)


def content_security_policy(image_origins: Sequence[str]) -> str:
    """The policy of the page, with `image_origins` allowed for previews."""
    for origin in image_origins:
        if not origin or any(sign in origin for sign in " ;,'\"\r\n\t"):
            raise ValueError(f"not an origin for previews: {origin!r}; an example: https://bucket.example")
    rules = {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", *image_origins],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }
    return "; ".join(" ".join([name, *values]) for name, values in rules.items())


class _Assets(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response
