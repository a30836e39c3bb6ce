"""The page and a mock of its API behind a real server, so that the browser's own slow network is between them."""

import asyncio
import gzip
import io
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import parse_qs

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image
from starlette.responses import Response

from editqueue.entrypoints.http.review_page import mount_review_page
from tests.web.mock_api import ORDER, MockApi


def a_preview() -> bytes:
    """A picture that compresses as a photograph does."""
    noise = np.random.default_rng(4).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    body = io.BytesIO()
    Image.fromarray(noise).resize((1280, 853), Image.Resampling.BICUBIC).save(body, "JPEG", quality=72)
    return body.getvalue()


@asynccontextmanager
async def served(api: MockApi) -> AsyncGenerator[str]:
    """The link to the page. Lists are compressed, as the API's server or the edge before it does."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    picture = a_preview()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    mount_review_page(app, preview_origin=origin)

    async def answer(request: Request) -> Response:
        body = await request.body()
        status, content = api.answer(request.method, request.url.path, body, parse_qs(request.url.query))
        plain = Response(status_code=status, content=content, media_type="application/json")
        if len(content) < 1_000:
            return plain
        headers = {"Content-Encoding": "gzip"}
        return Response(gzip.compress(content), status_code=status, media_type="application/json", headers=headers)

    async def preview(path: str) -> Response:  # all look alike
        return Response(picture, media_type="image/jpeg")

    app.add_api_route("/bucket/{path:path}", preview, response_model=None)
    app.add_route("/api/{path:path}", answer, methods=["GET", "POST", "DELETE"])
    api.bucket = f"{origin}/bucket"
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"{origin}/orders/{ORDER}/review"
    finally:
        server.should_exit = True
        await running


SLOW: Final[dict[str, Any]] = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 50_000,
    "uploadThroughput": 50_000,
}
"""Chromium's emulation: 400 ms to the first byte of every answer, 50 kB/s."""
