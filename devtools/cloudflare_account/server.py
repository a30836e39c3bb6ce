"""The stand-in as a server: lets in who has the right, checks what is sent, keeps what it is told.

    with cloudflare_account() as account: ...       on loopback, in a thread of its own, until the block ends

`account.environment` points the command and wrangler at it. An unknown call is answered 404 and noted in
`account.unknown`, a body that the published schema does not allow 400 and noted in `account.rejected`.
"""

import json
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from devtools.cloudflare_account.call import Call, Refusal
from devtools.cloudflare_account.d1 import D1
from devtools.cloudflare_account.multipart import form_parts
from devtools.cloudflare_account.queues import Queues
from devtools.cloudflare_account.r2 import R2
from devtools.cloudflare_account.routes import RIGHTS, SETTINGS_RIGHT, Endpoint, endpoints
from devtools.cloudflare_account.schemas import faults
from devtools.cloudflare_account.tokens import Tokens
from devtools.cloudflare_account.workers import Workers

ACCOUNT_ID = "023e105f4ecef8ad9ca31a8372d0c353"
OTHER_ACCOUNT_ID = "699d98642c564d2e855e9661899b7252"
TOKEN = "stand-in-token-of-the-account"
OUTSIDE_THE_BODY = frozenset({"account_id", "queue_id", "cf_r2_jurisdiction", "force"})


@dataclass(kw_only=True)
class Account:
    """All that the account holds, and what a test may bend."""

    rights: frozenset[str] = RIGHTS
    """What the token may do."""
    names: dict[str, str] = field(default_factory=lambda: {ACCOUNT_ID: "pix.immo"})
    """Accounts that the token sees."""
    d1: D1 = field(default_factory=D1)
    r2: R2 = field(default_factory=R2)
    queues: Queues = field(default_factory=Queues)
    tokens: Tokens = field(default_factory=Tokens)
    workers: Workers = field(default_factory=Workers)
    changes: list[str] = field(default_factory=list[str])
    """Calls that changed something, in order: method and path below the account."""
    unknown: list[str] = field(default_factory=list[str])
    rejected: list[str] = field(default_factory=list[str])
    after_change: Callable[[str], None] = lambda _call: None
    """Called with each change, done and not yet answered. What it raises as Refusal is answered instead."""
    besides: list[BaseRoute] = field(default_factory=list[BaseRoute])
    """What else answers at this address: the deployed Worker, say."""
    port: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/client/v4"

    @property
    def environment(self) -> dict[str, str]:
        return {"CLOUDFLARE_API_TOKEN": TOKEN, "CLOUDFLARE_API_BASE_URL": self.base_url}

    def app(self) -> Starlette:
        known = endpoints(d1=self.d1, r2=self.r2, queues=self.queues, tokens=self.tokens, workers=self.workers)
        prefix = "/client/v4/accounts/{account}"
        everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return Starlette(
            routes=[
                Route("/client/v4/accounts", self._list_accounts, methods=["GET"]),
                Route("/client/v4/user/tokens/verify", self._verify, methods=["GET"]),
                *(Route(prefix + at.path, self._answering(at), methods=[at.method]) for at in known),
                *self.besides,
                Route("/{anything:path}", self._unknown, methods=everything),
            ]
        )

    def _answering(self, endpoint: Endpoint) -> Callable[[Request], Any]:
        async def answer(request: Request) -> JSONResponse:
            try:
                self._admit(request, endpoint)
                call = await self._read(request, endpoint)
                result = endpoint.answer(call)
                if endpoint.method != "GET" and not _only_asks(call):
                    self._note_change(request)
            except Refusal as refusal:
                return _refused(refusal)
            return _answered(result)

        return answer

    def _admit(self, request: Request, endpoint: Endpoint) -> None:
        self._admit_token(request)
        if request.path_params["account"] not in self.names or endpoint.right not in self.rights:
            raise Refusal(403, 10000, "Authentication error")

    def _admit_token(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refusal(401, 1000, "Invalid API Token")

    async def _read(self, request: Request, endpoint: Endpoint) -> Call:
        body, files = await _content(request)
        if endpoint.schema is None and body is not None:
            self._reject(request, ["no body is known for it"])
        found = [] if endpoint.schema is None else faults(body, endpoint.schema, outside=OUTSIDE_THE_BODY)
        if found:
            self._reject(request, found)
        return Call(
            path=request.path_params, query=request.query_params, headers=request.headers, body=body, files=files
        )

    def _reject(self, request: Request, found: list[str]) -> None:
        self.rejected += [f"{request.method} {request.url.path}: {fault}" for fault in found]
        raise Refusal(400, 10026, "; ".join(found))

    def _note_change(self, request: Request) -> None:
        account = f"/client/v4/accounts/{request.path_params['account']}"
        change = f"{request.method} {request.url.path.removeprefix(account)}"
        self.changes.append(change)
        self.after_change(change)

    async def _list_accounts(self, request: Request) -> JSONResponse:
        try:
            self._admit_token(request)
        except Refusal as refusal:
            return _refused(refusal)
        seen = self.names if SETTINGS_RIGHT in self.rights else {}
        return _answered([{"id": account_id, "name": name, "type": "standard"} for account_id, name in seen.items()])

    async def _verify(self, request: Request) -> JSONResponse:
        try:
            self._admit_token(request)
        except Refusal as refusal:
            return _refused(refusal)
        return _answered({"id": "ed17574386854bf78a67040be0a770b0", "status": "active"})

    async def _unknown(self, request: Request) -> JSONResponse:
        self.unknown.append(f"{request.method} {request.url.path}")
        return _refused(Refusal(404, 7003, f"Could not route to {request.url.path}"))


def _only_asks(call: Call) -> bool:
    """A query of D1 that reads is a POST, too."""
    queries = call.body.get("batch", [call.body]) if isinstance(call.body, dict) else []  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]  # any JSON
    return bool(queries) and all(str(query.get("sql", "")).lstrip().upper().startswith("SELECT") for query in queries)  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType,reportUnknownArgumentType]  # any JSON


async def _content(request: Request) -> tuple[Any, dict[str, bytes]]:
    """The JSON of a body and the files beside it."""
    raw = await request.body()
    content_type = request.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        return (json.loads(raw) if raw else None), {}
    parts = form_parts(raw, boundary=content_type.partition("boundary=")[2].strip('"'))
    return _as_published(json.loads(parts.pop("metadata"))), parts


def _as_published(metadata: dict[str, Any]) -> dict[str, Any]:
    """Wrangler names a database `id`, which the schema knows beside `database_id`, and wants the second."""
    bindings = [
        {"database_id": binding["id"], **binding} if binding["type"] == "d1" and "id" in binding else binding
        for binding in metadata.get("bindings", [])
    ]
    return {**metadata, "bindings": bindings}


def _answered(result: Any) -> JSONResponse:
    pages = {"page": 1, "per_page": 100, "count": len(result), "total_count": len(result), "total_pages": 1}
    info = {"result_info": pages} if isinstance(result, list) else {}  # pyright: ignore[reportUnknownArgumentType]  # any JSON
    return JSONResponse({"success": True, "errors": [], "messages": [], "result": result, **info})


def _refused(refusal: Refusal) -> JSONResponse:
    errors = [{"code": refusal.code, "message": str(refusal)}]
    answer = {"success": False, "errors": errors, "messages": [], "result": None}
    return JSONResponse(answer, status_code=refusal.status)


@contextmanager
def cloudflare_account(account: Account | None = None) -> Generator[Account]:
    account = Account() if account is None else account
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # at once: who asks before the thread serves waits, and is not refused
        account.port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(account.app(), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield account
        finally:
            server.should_exit = True
            thread.join()
