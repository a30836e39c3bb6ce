"""The driver for Cloudflare D1 from outside of Workers: a group of statements is one batch of D1's HTTP API.

With httpx and not with the SDK: it is one call, and the SDK would repeat it by itself, though it may have been done.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from editqueue.adapters.job_store.databases.d1 import PROBE
from editqueue.adapters.job_store.databases.d1_answers import read_answer
from editqueue.adapters.job_store.databases.d1_literals import with_literals
from editqueue.adapters.job_store.databases.d1_rate_limit import RateLimit
from editqueue.adapters.job_store.databases.database import GROUP_SECONDS, PROBE_SECONDS, Rows
from editqueue.adapters.job_store.databases.statement import Statement
from editqueue.domain.errors import StorageUnavailable

API: Final = "https://api.cloudflare.com/client/v4"
CONNECT_SECONDS: Final = 5.0
CONNECT_RETRIES: Final = 1
"""Of a connection that could not be made: nothing was asked yet."""
KEPT_ALIVE: Final = 60.0
"""Seconds for which an idle connection is kept: a new one costs two more round trips."""
CLOSING_SECONDS: Final = 1.0
"""Groups under way get so much time to end when the database is closed; then they are cut off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class D1Access:
    account_id: str
    database_id: str
    token: str = field(repr=False)
    base_url: str | None = None
    """None for Cloudflare's own."""


class D1HttpDatabase:
    """`Database` over D1's HTTP API."""

    def __init__(self, access: D1Access, *, rate_limit: RateLimit | None = None) -> None:
        base = (access.base_url or API).rstrip("/")
        self._url = f"{base}/accounts/{access.account_id}/d1/database/{access.database_id}/query"
        self._rate_limit = rate_limit or RateLimit()
        self._running: set[asyncio.Task[Sequence[Rows]]] = set()
        self._closing = False
        limits = httpx.Limits(keepalive_expiry=KEPT_ALIVE)
        context = ssl.create_default_context()  # the system's certificates; httpx has its own
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(retries=CONNECT_RETRIES, limits=limits, verify=context),
            headers={"Authorization": f"Bearer {access.token}"},
            timeout=httpx.Timeout(GROUP_SECONDS, connect=CONNECT_SECONDS),
        )

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        return await self._in_time(statements, GROUP_SECONDS)

    async def probe(self) -> datetime:
        """Reachable is all that D1 shows without rows written, which it counts and bills."""
        [[row]] = await self._in_time([PROBE.bind()], PROBE_SECONDS)
        return datetime.fromtimestamp(float(row["now"]), UTC)

    async def close(self) -> None:
        self._closing = True
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSING_SECONDS)
        for task in self._running:
            task.cancel()
        await self._http.aclose()

    async def _in_time(self, statements: Sequence[Statement], seconds: float) -> Sequence[Rows]:
        if self._closing:
            raise _closing()
        asking = asyncio.create_task(self._ask(statements, seconds))
        self._running.add(asking)
        asking.add_done_callback(self._running.discard)
        try:
            async with asyncio.timeout(seconds):
                return await asking
        except TimeoutError as error:
            raise StorageUnavailable(f"D1: no answer within {seconds:g} s") from error
        except httpx.RequestError as error:
            raise StorageUnavailable(f"D1 cannot be reached: {type(error).__name__}: {error}".rstrip(": ")) from error
        except asyncio.CancelledError:
            if self._closing and not _is_cancelled():
                raise _closing() from None
            raise

    async def _ask(self, statements: Sequence[Statement], seconds: float) -> Sequence[Rows]:
        compiled = [with_literals(statement) for statement in statements]
        batch = {"batch": [{"sql": sql, "params": params} for sql, params in compiled]}
        if not all(statement.template.reads_only for statement in statements):
            return await self._post(batch, seconds)
        try:
            return await self._post(batch, seconds)
        except httpx.TransportError:  # an answer that got lost may be asked for again: nothing was written
            return await self._post(batch, seconds)

    async def _post(self, batch: Mapping[str, Sequence[Any]], seconds: float) -> Sequence[Rows]:
        await asyncio.sleep(self._rate_limit.reserve(within=seconds))
        answer = await self._http.post(self._url, json=batch)
        self._rate_limit.heed(answer.status_code, answer.headers)
        return read_answer(answer.status_code, answer.content, statements=len(batch["batch"]))


def _is_cancelled() -> bool:
    """Whether whoever asks was cancelled, and not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _closing() -> StorageUnavailable:
    return StorageUnavailable("database: it is being closed")
