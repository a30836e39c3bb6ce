"""The HTTP application: the routes of the contract, and nothing else under /api."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from editqueue.entrypoints.http.counted import Count, Counted
from editqueue.entrypoints.http.defects import Defects
from editqueue.entrypoints.http.guards import BodyLimit, BodyTooLarge, ForeignOriginGuard, OneLength
from editqueue.entrypoints.http.in_time import Closing, InTime
from editqueue.entrypoints.http.problems import Problem, ProblemResponse, add_problem_handlers, problem
from editqueue.entrypoints.http.routes import router
from editqueue.entrypoints.http.schemas import Health
from editqueue.ports import Ports

_SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own spans would hold paths and queries, and its own metrics would have no address."""


class Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The description, with the schema that every problem refers to."""
        document = super().openapi()
        document["components"]["schemas"].setdefault(Problem.__name__, Problem.model_json_schema())
        return document


def create_app(
    ports: Ports,
    *,
    jwt_secret: str,
    allowed_origins: Sequence[str] = (),
    own_origin: str | None = None,
    object_app: ASGIApp | None = None,
    preview_origin: str | None = None,
    closing: Closing | None = None,
    count: Count | None = None,
) -> FastAPI:
    """The API on `ports`; `object_app` serves the signed URLs of a local bucket under /objects.

    `own_origin` is what browsers call this server by; without it, the Host of each request is taken for that.
    `preview_origin` is where signed preview URLs point; without it, the review page is served elsewhere.
    `closing` is the server's end; without it, requests have no deadline. `count` is told of every request.
    """
    # Swagger's pages load scripts from a CDN: only the document itself is served.
    app = Api(
        title="pix.immo edit queue",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_SILENT,
    )
    app.state.ports = ports
    app.state.jwt_secret = jwt_secret
    app.include_router(router)
    app.add_api_route("/healthz", _healthz, methods=["GET"], response_model=Health)
    add_problem_handlers(app, ports.journal)
    app.add_exception_handler(BodyTooLarge, _too_large)
    app.add_middleware(BodyLimit)
    app.add_middleware(ForeignOriginGuard, allowed_origins=allowed_origins, own_origin=own_origin)
    if closing is not None:  # Cloudflare compresses, bounds and frames what comes to a Worker itself
        app.add_middleware(OneLength)
        app.add_middleware(_ApiGzip, minimum_size=1000)
        app.add_middleware(InTime, closing=closing, journal=ports.journal)
    app.add_middleware(Defects, journal=ports.journal)
    app.add_middleware(_ApiUnkept)
    app.add_middleware(  # around all others: browsers hide an answer without its headers
        _ApiCors,
        allow_origins=list(allowed_origins),
        allow_credentials=True,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
    )
    if count is not None:
        app.add_middleware(Counted, count=count)
    if object_app is not None:
        app.mount("/objects", object_app)
    if preview_origin is not None:
        # A Worker serves no page, and importing what does would be 2 % of its start.
        from editqueue.entrypoints.http.review_page import mount_review_page  # noqa: PLC0415  # as said above

        mount_review_page(app, preview_origin=preview_origin)
    return app


class _ApiGzip(GZipMiddleware):
    """The list of an order of 300 photos is about 165 kB long, and repeats itself. Photos get no smaller."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lists = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (super().__call__ if lists else self.app)(scope, receive, send)


class _ApiUnkept:
    """What the API answers is one customer's, and soon another: neither browsers nor proxies may keep it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_unkept(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        of_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        await self._app(scope, receive, send_unkept if of_api else send)


class _ApiCors(CORSMiddleware):
    """Answers for everything but the objects: their app has an answer of its own, which takes PUT."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        objects = scope["type"] == "http" and scope["path"].startswith("/objects/")
        await (self.app if objects else super().__call__)(scope, receive, send)


async def _healthz() -> Health:
    return Health()


async def _too_large(_: Request, __: Exception) -> ProblemResponse:
    return problem(413, "body_too_large", "the body is too large")
