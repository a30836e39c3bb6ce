"""The real bindings of miniflare for CPython, in the shapes that the Workers SDK gives them in Pyodide."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from devtools.cloudflare.host import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, Cloudflare
from editqueue.adapters.bucket.cloudflare import R2Bucket
from editqueue.adapters.bucket.s3.sigv4 import Credentials
from editqueue.adapters.bucket.s3.urls import S3Urls
from editqueue.adapters.job_store.databases.d1 import D1Database
from editqueue.adapters.job_store.schema import job_starts, metadata
from editqueue.adapters.js_interop import JsError


class Gateway:
    def __init__(self, http: httpx.AsyncClient, database: str = "CONTRACTS") -> None:
        self.http = http
        self.database = database

    async def ask(self, operation: str, **body: object) -> Any:
        answer = await self.http.post(f"/__test/{operation}", json=body)
        return self._checked(answer).json()

    async def put_bytes(self, body: bytes, **put: object) -> Any:
        headers = {"x-put": quote(json.dumps(put))}
        return self._checked(await self.http.post("/__test/put", content=body, headers=headers)).json()

    async def info(self, body: bytes) -> Any:
        return self._checked(await self.http.post("/__test/info", content=body)).json()

    async def image(self, **asked: object) -> bytes:
        return self._checked(await self.http.post("/__test/image", json=asked)).content

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == 500:
            raise JsError(answer.json()["error"])
        return answer


@dataclass(frozen=True)
class PreparedStatement:
    sql: str
    params: Sequence[object] = ()

    def bind(self, *parameters: object) -> "PreparedStatement":
        return PreparedStatement(self.sql, parameters)


@dataclass(frozen=True)
class D1:
    gateway: Gateway

    def prepare(self, query: str) -> PreparedStatement:
        return PreparedStatement(query)

    async def batch(self, statements: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        wanted = [{"sql": statement.sql, "params": list(statement.params)} for statement in statements]
        return await self.gateway.ask("d1", database=self.gateway.database, statements=wanted)


class _Date(float):
    def getTime(self) -> float:  # noqa: N802  # JavaScript's
        return float(self)


@dataclass(frozen=True, kw_only=True)
class Stored:
    key: str
    size: int
    etag: str
    uploaded: _Date
    httpMetadata: Mapping[str, Any]  # noqa: N815  # Cloudflare's
    customMetadata: Mapping[str, str]  # noqa: N815
    body: Any = None


class Stream:
    """What R2 gives: read by whoever iterates, or handed back to R2 unread."""

    def __init__(self, gateway: Gateway, **source: object) -> None:
        self.gateway = gateway
        self.source = source

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with self.gateway.http.stream("POST", "/__test/get", json=self.source) as answer:
            async for piece in answer.aiter_bytes():
                yield piece


@dataclass(frozen=True)
class R2:
    gateway: Gateway

    async def head(self, key: str) -> Stored | None:
        return _stored(await self.gateway.ask("head", key=key))

    async def get(self, key: str, **options: object) -> Stored | None:
        found = await self.gateway.ask("look", key=key, onlyIf=options.get("onlyIf", {}))
        met = found is not None and found["met"]
        return _stored(found, Stream(self.gateway, key=key, **options) if met else None)

    async def put(self, key: str, value: object, **options: object) -> Stored:
        if isinstance(value, Stream):
            made = await self.gateway.ask("copy", **value.source, target=key, options=options)
        else:
            assert isinstance(value, bytes)
            made = await self.gateway.put_bytes(value, key=key, options=options)
        stored = _stored(made)
        assert stored is not None
        return stored

    async def delete(self, keys: list[str]) -> None:
        await self.gateway.ask("remove", keys=keys)

    async def list(self, **options: object) -> Mapping[str, Any]:
        page = await self.gateway.ask("list", options=options)
        return {**page, "objects": [_stored(described) for described in page["objects"]]}


@dataclass(frozen=True, kw_only=True)
class Images:
    """Cloudflare Images, as miniflare has it; what it is to do is told when the picture is asked for."""

    gateway: Gateway
    source: Mapping[str, object] = field(default_factory=dict[str, object])
    transforms: Sequence[Mapping[str, object]] = ()

    def input(self, stream: Stream) -> "Images":
        return replace(self, source=stream.source)

    async def info(self, stream: bytes) -> Mapping[str, Any]:
        return await self.gateway.info(stream)

    def transform(self, options: dict[str, object]) -> "Images":
        return replace(self, transforms=[*self.transforms, options])

    async def output(self, options: dict[str, object]) -> "Made":
        return Made(await self.gateway.image(**self.source, transforms=self.transforms, output=options))


@dataclass(frozen=True)
class Made:
    body: bytes

    async def image(self) -> AsyncIterator[bytes]:
        yield self.body


def _stored(described: Mapping[str, Any] | None, body: Stream | None = None) -> Stored | None:
    if described is None:
        return None
    return Stored(
        key=described["key"],
        size=described["size"],
        etag=described["etag"],
        uploaded=_Date(described["uploaded"]),
        httpMetadata=described["httpMetadata"],
        customMetadata=described["customMetadata"],
        body=body,
    )


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@asynccontextmanager
async def d1_database(running: Cloudflare, *, database: str = "CONTRACTS") -> AsyncGenerator[D1Database]:
    """An empty D1 database of the newest schema, and empty again afterwards."""
    async with running.client() as http:
        binding = D1(Gateway(http, database))
        yield D1Database(binding)
        tables = [table.name for table in reversed(metadata.sorted_tables) if table is not job_starts]
        emptying = [binding.prepare(f"DELETE FROM {name}") for name in tables]
        await binding.batch([*emptying, binding.prepare("UPDATE job_starts SET starts = 0")])


def r2_bucket(running: Cloudflare, http: httpx.AsyncClient) -> R2Bucket:
    credentials = Credentials(access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY, region="auto")
    urls = S3Urls(endpoint=running.gateway, bucket=BUCKET, credentials=credentials, clock=SystemClock())
    return R2Bucket(R2(Gateway(http)), urls=urls)
