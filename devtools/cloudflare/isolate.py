"""The Worker's own adapters, used from a test: each call is made in the Worker's isolate, on the runtime's bindings."""

import pickle
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from devtools.cloudflare.host import BUCKET, Cloudflare
from editqueue.adapters.bucket.cloudflare import R2Bucket
from editqueue.adapters.image_tools.cloudflare.images import BindingImages
from editqueue.adapters.job_queue.cloudflare.binding import BindingQueue
from editqueue.adapters.job_store.schema import counts, job_starts, metadata, schema_compatibility
from editqueue.adapters.job_store.store.sql_store import SqlStore

ITERATED: Final = frozenset({"stream", "list"})
"""Methods that give their results one by one; here they come all at once."""


class FailedInTheIsolate(Exception):
    """An error of a class that only the Worker has."""


@dataclass(frozen=True)
class Isolate:
    http: httpx.AsyncClient
    store: SqlStore = field(init=False)
    bucket: R2Bucket = field(init=False)
    queue: BindingQueue = field(init=False)
    images: BindingImages = field(init=False)

    def __post_init__(self) -> None:
        for role in ("store", "bucket", "queue", "images"):
            object.__setattr__(self, role, _Remote(self, role))

    async def call(self, role: str, method: str, *args: object, **kwargs: object) -> Any:
        return await self._asked("call", {"role": role, "method": method, "args": args, "kwargs": kwargs})

    async def run(self, code: str) -> Any:
        """The value of the last expression; it may await. `env` are the bindings, `modules` what the start imported."""
        return await self._asked("run", code)

    async def _asked(self, what: str, body: object) -> Any:
        answer = await self.http.post(f"/__isolate/{what}", content=b64encode(pickle.dumps(body, protocol=4)))
        assert answer.status_code == 200, answer.text
        came = pickle.loads(b64decode(answer.content))  # from the Worker that this run has started
        if "raised" not in came:
            return came["made"]
        raised = came["raised"]
        error = raised if isinstance(raised, Exception) else FailedInTheIsolate(raised)
        raise error from FailedInTheIsolate(came["traceback"])


class _Remote:
    """One role of the Worker's wiring; has whatever methods that has."""

    name = BUCKET
    idle_poll = BindingQueue.idle_poll

    def __init__(self, isolate: Isolate, role: str) -> None:
        self._isolate = isolate
        self._role = role

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        if method in ITERATED and self._role == "bucket":
            return lambda *args: self._iterated(method, *args)
        return lambda *args, **kwargs: self._isolate.call(self._role, method, *args, **kwargs)

    async def _iterated(self, method: str, *args: object) -> AsyncIterator[Any]:
        for one in await self._isolate.call(self._role, method, *args):
            yield one


@asynccontextmanager
async def isolate(there: Cloudflare) -> AsyncGenerator[Isolate]:
    """With an empty D1 database, which is empty again afterwards."""
    async with there.client() as http, there.healed():
        yield Isolate(http)
    kept = (counts, job_starts, schema_compatibility)
    tables = [table.name for table in reversed(metadata.sorted_tables) if table not in kept]
    emptying = [f"DELETE FROM {name}" for name in tables]
    statements = [{"sql": sql} for sql in [*emptying, "UPDATE job_starts SET starts = 0"]]
    await there.behind("d1", statements=statements)


@asynccontextmanager
async def dropping_queue(there: Cloudflare) -> AsyncGenerator[BindingQueue]:
    """The Worker's queue, of which everything that is sent is delivered, and dropped."""
    before = await there.tell("counted")
    async with isolate(there) as opened:
        await there.tell("rule", call="queue", verdict="lose", times=1_000)
        yield opened.queue
        sent = (await there.tell("counted"))["sent"] - before["sent"]
        await there.tell("wait", name="delivered", reach=before["delivered"] + sent)
