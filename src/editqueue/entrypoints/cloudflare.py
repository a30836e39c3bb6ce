"""The Cloudflare Worker: the runtime's events into the application's words, and nothing else.

`fetch` is the same API as on a server, `queue` a consumer, `scheduled` the sweep.
"""

import math
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from fastapi import FastAPI
from workers import Request, Response, WorkerEntrypoint, asgi

from editqueue.adapters.job_queue.cloudflare.binding import message_of
from editqueue.adapters.js_interop import first_line, js_exceptions
from editqueue.domain.errors import GroundLost
from editqueue.entrypoints.http.app import create_app
from editqueue.entrypoints.http.guards import MAX_BODY
from editqueue.ports import Ports
from editqueue.use_cases.consumer.answer_message import answer_message
from editqueue.use_cases.consumer.sweep import sweep
from editqueue.wiring.cloudflare import Env, Worker, open_worker

AFTER_AN_ERROR = 30
"""Seconds until a message comes again whose job could not even be claimed."""


class Default(WorkerEntrypoint):
    async def fetch(self, request: object) -> Any:
        """One HTTP request, JavaScript's or already the SDK's."""
        asked = request if isinstance(request, Request) else Request(request)
        try:
            whole = await _Whole.of(asked)
        except js_exceptions() as error:
            path, reason = urlsplit(asked.url).path, first_line(error)
            journal = _ISOLATE.worker(self.env).ports.journal
            journal.warning("request_cut_off", method=_method(asked), path=path[:200], reason=reason)
            return Response(None, status=400)  # to nobody: who asked has gone
        return await asgi.fetch(_ISOLATE.app(self.env), whole, self.env, self.ctx)

    async def queue(self, batch: Any, env: object = None, ctx: object = None) -> None:
        """One batch of messages, each acknowledged or retried by itself: no message pays for another's job."""
        del env, ctx  # the runtime passes them besides self.env and self.ctx
        ports = _ISOLATE.worker(self.env).ports
        messages = iter(batch.messages)
        for message in messages:
            if not await _deliver(message, ports):
                break
        for message in messages:
            message.retry({"delaySeconds": AFTER_AN_ERROR})

    async def scheduled(self, controller: Any, env: object = None, ctx: object = None) -> None:
        """One cron tick."""
        del controller, env, ctx
        await sweep(_ISOLATE.worker(self.env).ports)


async def _deliver(message: Any, ports: Ports) -> bool:
    """False if no job can be done now: what it stands on is away."""
    try:
        again = await answer_message(message_of(message.body, receipt=str(message.id)), ports)
    except Exception as error:  # noqa: BLE001  # the database is away, say: the other messages get their turn
        ports.journal.error(None, error)
        message.retry({"delaySeconds": AFTER_AN_ERROR})
        return not isinstance(error, GroundLost)
    if again is None:
        message.ack()
    else:
        message.retry({"delaySeconds": math.ceil(again.total_seconds())})
    return True


@dataclass
class _Isolate:
    """What an isolate keeps from event to event: making the application takes longer than answering with it.

    The runtime makes a new `Default` and a new `env` for each event; the bindings in them are the same.
    """

    _worker: Worker | None = None
    _app: FastAPI | None = None

    def worker(self, env: Env) -> Worker:
        if self._worker is None:
            self._worker = open_worker(env)
        return self._worker

    def app(self, env: Env) -> FastAPI:
        if self._app is None:
            worker = self.worker(env)
            origins = worker.allowed_origins
            self._app = create_app(worker.ports, jwt_secret=worker.jwt_secret, allowed_origins=origins)
        return self._app


_ISOLATE = _Isolate()


@dataclass(frozen=True, kw_only=True)
class _Whole:
    """A request as the SDK reads it, whose body has come, up to the piece that is beyond the limit.

    The application answers that with 413. The SDK itself would read a body of any length into memory first, and
    write a traceback where one breaks off.
    """

    method: str
    """Any: the SDK itself raises KeyError for one that Python's http.HTTPMethod lacks, such as PROPFIND."""
    url: str
    headers: Iterable[tuple[str, str]]
    body: AsyncIterator[Any] | None

    @classmethod
    async def of(cls, request: Request) -> Self:
        pieces = [piece async for piece in _up_to_the_limit(request.body)] if request.body else []
        body = _each(pieces) if pieces else None
        return cls(method=_method(request), url=request.url, headers=list(request.headers.items()), body=body)


def _method(request: Request) -> str:
    return str(request.js_object.method)


async def _up_to_the_limit(body: Any) -> AsyncIterator[Any]:
    seen = 0
    async for piece in body:
        yield piece
        seen += piece.byteLength
        if seen > MAX_BODY:
            return


async def _each(pieces: Iterable[Any]) -> AsyncIterator[Any]:
    for piece in pieces:
        yield piece
