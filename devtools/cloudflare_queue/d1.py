"""A stand-in for D1's HTTP API, `POST .../d1/database/ID/query` with a batch, over real HTTP.

What is behind it does the SQL: `real_d1`, the D1 of workerd, or `sqlite_d1`, SQLite by D1's rules. `d1_routes` can be
mounted beside other parts of Cloudflare's API; `d1_api` serves it alone.

A body is held against the schema that Cloudflare publishes in its SDK, and refused if it does not fit.
"""

import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Required, get_args, get_origin, get_type_hints

import httpx
from cloudflare.types.d1.database_query_params import MultipleQueries, MultipleQueriesBatch
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from devtools.cloudflare_queue.server import ACCOUNT_ID, TOKEN, served
from editqueue.adapters.job_store.databases.d1_http import D1Access

DATABASE_ID = "5a0b7c2e-9d1f-4c3a-8e6b-7f2d1c0a9b8e"
MOST_PARAMETERS = 100
LONGEST_SQL = 100_000
"""Bytes of one statement; both from developers.cloudflare.com/d1/platform/limits."""
SQL_ERROR = 7500

Statement = Mapping[str, Any]
Backend = Callable[[Sequence[Statement]], Awaitable[Sequence[Mapping[str, Any]]]]
"""Runs statements (`sql`, `params`) as one transaction; what D1 answers for each. Raises SqlError."""


class SqlError(Exception):
    """In D1's words."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    status: int
    code: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class D1Api:
    """The stand-in's state; tests read and bend it."""

    backend: Backend
    port: int = 0
    batches: list[Sequence[Statement]] = field(default_factory=list[Sequence[Statement]])
    """Every batch that was let in."""
    refusals: list[Refusal] = field(default_factory=list[Refusal])
    """Answers to the next requests instead of their own; nothing is done for these."""
    lost: list[str] = field(default_factory=list[str])
    """The answer to the next batch in whose SQL this stands gets lost; what it asked for is done."""
    left: str | None = None
    """What the answers say in `Ratelimit`."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/client/v4"

    @property
    def access(self) -> D1Access:
        """What editqueue needs to use it."""
        return D1Access(account_id=ACCOUNT_ID, database_id=DATABASE_ID, token=TOKEN, base_url=self.base_url)

    @property
    def url(self) -> str:
        return f"{self.base_url}/accounts/{ACCOUNT_ID}/d1/database/{DATABASE_ID}/query"

    async def answer(self, request: Request) -> Response:
        refusal = self._admit(request)
        if self.refusals and refusal is None:
            refusal = self.refusals.pop(0)
        if refusal is not None:
            return _refused(refusal)
        try:
            batch = _Body.model_validate_json(await request.body()).model_dump(exclude_unset=True)["batch"]
        except ValidationError as error:
            return _refused(Refusal(status=400, code=7400, message=f"The request is malformed: {error}"))
        self.batches.append(batch)
        try:
            _check_limits(batch)
            results = await self.backend(batch)
        except SqlError as error:
            return _refused(Refusal(status=400, code=SQL_ERROR, message=str(error)))
        sql = "\n".join(statement["sql"] for statement in batch)
        for words in self.lost:
            if words in sql:
                self.lost.remove(words)
                return _Lost()
        headers = {} if self.left is None else {"ratelimit": self.left}
        body: dict[str, object] = {"success": True, "errors": [], "messages": [], "result": results}
        return JSONResponse(body, headers=headers)

    def _admit(self, request: Request) -> Refusal | None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Refusal(status=401, code=10000, message="Authentication error")
        if request.path_params["account"] != ACCOUNT_ID:
            said = "The given account is not valid or is not authorized to access this service"
            return Refusal(status=403, code=7403, message=said)
        if request.path_params["database"] != DATABASE_ID:
            return Refusal(status=404, code=7404, message="The database could not be found")
        return None


def d1_routes(api: D1Api) -> Sequence[BaseRoute]:
    return [Route("/client/v4/accounts/{account}/d1/database/{database}/query", api.answer, methods=["POST"])]


@asynccontextmanager
async def d1_api(backend: Backend) -> AsyncGenerator[D1Api]:
    """The stand-in alone in this event loop, on a free port, until the block ends."""
    api = D1Api(backend)
    async with served(Starlette(routes=d1_routes(api)), log_level="critical") as api.port:
        yield api


def real_d1(http: httpx.AsyncClient) -> Backend:
    """D1 in workerd, asked through the gateway of devtools.cloudflare."""

    async def run(statements: Sequence[Statement]) -> Sequence[Mapping[str, Any]]:
        wanted = [{"sql": one["sql"], "params": one.get("params", [])} for one in statements]
        answer = await http.post("/__test/d1", json={"statements": wanted})
        if answer.status_code != 200:
            raise SqlError(str(answer.json()["error"]).removeprefix("D1_ERROR: "))
        return answer.json()

    return run


@contextmanager
def sqlite_d1(path: Path) -> Generator[Backend]:
    """A SQLite file of the newest schema, one batch at a time, as D1."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys=ON")
    connection.create_function("unixepoch", 1, _unixepoch)  # 'subsec' came with SQLite 3.42

    async def run(statements: Sequence[Statement]) -> Sequence[Mapping[str, Any]]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = [connection.execute(one["sql"], one.get("params", [])).fetchall() for one in statements]
        except sqlite3.Error as error:
            connection.execute("ROLLBACK")
            name: str = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
            raise SqlError(f"{error}: {'_'.join(name.split('_')[:2])}") from error
        connection.execute("COMMIT")
        return [{"success": True, "meta": {}, "results": [dict(row) for row in rows]} for rows in found]

    with closing(connection):
        yield run


def _unixepoch(_modifier: str) -> float:
    return time.time()


def _refused(refusal: Refusal) -> JSONResponse:
    errors = [{"code": refusal.code, "message": refusal.message}]
    body = {"success": False, "errors": errors, "messages": [], "result": None}
    return JSONResponse(body, status_code=refusal.status, headers=dict(refusal.headers))


def _check_limits(batch: Sequence[Statement]) -> None:
    for statement in batch:
        if len(statement.get("params", ())) > MOST_PARAMETERS:
            raise SqlError("too many SQL variables: SQLITE_ERROR")
        if len(statement["sql"].encode()) > LONGEST_SQL:
            raise SqlError("statement too long: SQLITE_TOOBIG")


def _model(given: type, **known: Any) -> type[BaseModel]:
    """A TypedDict of the SDK as a strict model: what is on the wire, so without the id that stands in the path."""
    fields: dict[str, Any] = {}
    for name, hint in get_type_hints(given, include_extras=True).items():
        required = get_origin(hint) is Required
        kind = get_args(hint)[0] if required else hint
        array = list[get_args(kind)[0]] if get_args(kind) else kind
        fields[name] = (known.get(name, array), ... if required else None)
    fields.pop("account_id", None)
    return create_model(given.__name__, __config__=ConfigDict(strict=True, extra="forbid"), **fields)


_Body = _model(MultipleQueries, batch=list[_model(MultipleQueriesBatch)])


class _Lost(Response):
    """An answer that breaks off."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
