"""A stand-in for the REST calls of Cloudflare Queues, over real HTTP: push, batch, pull, ack, and the queue's details.

No local pull queue exists (cloudflare/workers-sdk#9665), so the real SDK runs against this. In a test:

    async with cloudflare_queue(clock=...) as server: ...       in this event loop, with a clock of its own
    with cloudflare_queue_process() as server: ...              a process for other processes

`server.environment` holds the settings that point editqueue at it. `python -m devtools.cloudflare_queue.server` runs it
until it is ended; the first line it prints are those settings as JSON.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from devtools.cloudflare_queue.state import DEFAULT_VISIBILITY, QueueState

ACCOUNT_ID = "023e105f4ecef8ad9ca31a8372d0c353"
QUEUE_ID = "8f7e6d5c4b3a29181716151413121110"
DEAD_LETTER_QUEUE = "edit-jobs-dead"
TOKEN = "stand-in-token-with-queues-edit"
READ_ONLY_TOKEN = "stand-in-token-with-queues-read"
BATCH = 100
MESSAGE_BYTES = 128_000
BATCH_BYTES = 256_000
METADATA_BYTES = 100
"""Counted with each message."""
LONGEST_DELAY = 24 * 3600
LONGEST_VISIBILITY_MS = 12 * 3600 * 1000


class Refusal(Exception):
    """An answer with `success: false`."""

    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


@dataclass
class StandIn:
    """The server's state; tests read and bend it."""

    clock: Callable[[], float] = time.time
    max_retries: int = 3
    consumer: str | None = "http_pull"
    """The kind of consumer that the queue has; None for none."""
    paused: bool = False
    port: int = 0
    also: Sequence[BaseRoute] = ()
    """Other parts of Cloudflare's API at the same address."""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    """Every call that was let in: its name and its body."""
    refusals: dict[str, list[Refusal]] = field(default_factory=dict[str, list[Refusal]])
    """Answers that the next calls of a name get, instead of their own."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    """Calls of a name do their work at once but are answered when their gate opens."""

    arrived: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    """Set when a call of a name was let in for the first time."""

    def __post_init__(self) -> None:
        self.dead_letters = QueueState(self.clock)
        self.queue = QueueState(self.clock, max_retries=self.max_retries, dead_letters=self.dead_letters)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/client/v4"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "EDITQUEUE_QUEUE": "cloudflare",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT_ID,
            "CLOUDFLARE_QUEUE_ID": QUEUE_ID,
            "CLOUDFLARE_API_TOKEN": TOKEN,
            "CLOUDFLARE_BASE_URL": self.base_url,
        }

    def refuse(self, call: str, status: int, code: int, *, times: int = 1, retry_after: int | None = None) -> None:
        """Answer the next `times` calls (`push`, `batch`, `pull`, `ack`, `details`) with this error."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        made = [Refusal(status, code, f"refused with {code}", headers) for _ in range(times)]
        self.refusals.setdefault(call, []).extend(made)

    def called(self, name: str) -> list[dict[str, Any]]:
        """The bodies of the calls of a name so far."""
        return [body for call, body in self.calls if call == name]

    def app(self) -> Starlette:
        queue = "/client/v4/accounts/{account}/queues/{queue}"
        return Starlette(
            routes=[
                *self.also,
                Route(queue, self._answering("details", self._details), methods=["GET"]),
                Route(f"{queue}/messages", self._answering("push", self._push), methods=["POST"]),
                Route(f"{queue}/messages/batch", self._answering("batch", self._batch), methods=["POST"]),
                Route(f"{queue}/messages/pull", self._answering("pull", self._pull), methods=["POST"]),
                Route(f"{queue}/messages/ack", self._answering("ack", self._ack), methods=["POST"]),
                Route("/books", self._show_books, methods=["GET"]),
            ]
        )

    def _answering(
        self, name: str, work: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> Callable[[Request], Awaitable[JSONResponse]]:
        async def answer(request: Request) -> JSONResponse:
            try:
                self._admit(request)
                body = {} if request.method == "GET" else await _body(request)
                if self.refusals.get(name):
                    raise self.refusals[name].pop(0)
                self.calls.append((name, body))
                result = work(body)
                self.arrived[name].set()
            except Refusal as refusal:
                return _envelope(None, refusal)
            if name in self.gates:
                await self.gates[name].wait()
            return _envelope(result)

        return answer

    def _admit(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in {TOKEN, READ_ONLY_TOKEN}:
            raise Refusal(401, 10000, "Authentication error")
        reading = request.method == "GET"
        if request.path_params["account"] != ACCOUNT_ID or (token == READ_ONLY_TOKEN and not reading):
            raise Refusal(403, 10000, "Authentication error")
        if request.path_params["queue"] != QUEUE_ID:
            raise Refusal(404, 10104, "Queue does not exist")

    def _details(self, _body: dict[str, Any]) -> dict[str, Any]:
        settings = {"batch_size": 5, "max_retries": self.max_retries, "visibility_timeout_ms": 30_000}
        consumer = {
            "consumer_id": "c" * 32,
            "type": self.consumer,
            "queue_name": "edit-jobs",
            "dead_letter_queue": DEAD_LETTER_QUEUE,
            "settings": settings,
        }
        return {
            "queue_id": QUEUE_ID,
            "queue_name": "edit-jobs",
            "consumers": [] if self.consumer is None else [consumer],
            "consumers_total_count": 0 if self.consumer is None else 1,
            "producers": [],
            "producers_total_count": 0,
            "settings": {"delivery_delay": 0, "delivery_paused": self.paused, "message_retention_period": 345_600},
        }

    def _push(self, body: dict[str, Any]) -> dict[str, Any]:
        self._accept([body], delay=0)
        return self._metrics()

    def _batch(self, body: dict[str, Any]) -> dict[str, Any]:
        messages = body.get("messages")
        if not isinstance(messages, list):
            raise Refusal(400, 10207, "messages is missing")
        self._accept(messages, delay=_delay(body.get("delay_seconds", 0)))  # pyright: ignore[reportUnknownArgumentType]
        return self._metrics()

    def _accept(self, messages: list[Any], *, delay: float) -> None:
        """All or none of them."""
        if not 1 <= len(messages) <= BATCH:
            raise Refusal(400, 10206, f"a batch has 1 to {BATCH} messages, this one {len(messages)}")
        encoded = [_encoded(one, delay) for one in messages]
        if sum(len(body) + METADATA_BYTES for body, _, _ in encoded) > BATCH_BYTES:
            raise Refusal(413, 10205, f"a batch has at most {BATCH_BYTES} bytes")
        for body, content_type, wait in encoded:
            self.queue.push(body, content_type=content_type, delay=wait)

    def _pull(self, body: dict[str, Any]) -> dict[str, Any]:
        size = body.get("batch_size", 5)
        visibility = body.get("visibility_timeout_ms", DEFAULT_VISIBILITY * 1000)
        if not (_is_number(size) and 1 <= size <= BATCH):
            raise Refusal(400, 10207, f"batch_size is 1 to {BATCH}")
        if not (_is_number(visibility) and 0 < visibility <= LONGEST_VISIBILITY_MS):
            raise Refusal(400, 10207, "visibility_timeout_ms is up to 12 h")
        if self.consumer != "http_pull":
            raise Refusal(405, 10207, "the queue has no HTTP pull consumer")
        messages = [] if self.paused else self.queue.pull(batch_size=int(size), visibility=visibility / 1000)
        return {"message_backlog_count": float(self.queue.backlog), "messages": messages, **self._metrics()}

    def _ack(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            acks = [str(one["lease_id"]) for one in body.get("acks", ())]
            retries = [(str(one["lease_id"]), _delay(one.get("delay_seconds", 0))) for one in body.get("retries", ())]
        except (KeyError, TypeError) as error:
            raise Refusal(400, 10207, "acks and retries are lists of {lease_id}") from error
        acked, retried, warnings = self.queue.settle(acks, retries)
        return {"ackCount": float(acked), "retryCount": float(retried), "warnings": warnings}

    def _metrics(self) -> dict[str, Any]:
        metrics = {
            "backlog_count": float(self.queue.backlog),
            "backlog_bytes": float(sum(len(one.body) for one in self.queue.messages.values())),
            "oldest_message_timestamp_ms": 1000 * min((one.sent_at for one in self.queue.messages.values()), default=0),
        }
        return {"metadata": {"metrics": metrics}}

    async def _show_books(self, _request: Request) -> JSONResponse:
        """Not Cloudflare's: what tests in other processes want to know."""
        facts = {"backlog": self.queue.backlog, "leased": self.queue.leased, "dead_letters": self.dead_letters.backlog}
        return JSONResponse(asdict(self.queue.books) | facts)


def _encoded(message: Any, delay: float) -> tuple[bytes, str, float]:
    if not isinstance(message, dict) or "body" not in message:
        raise Refusal(400, 10207, "a message has a body")
    one = cast("dict[str, Any]", message)
    content_type = one.get("content_type", "json")
    if content_type not in {"json", "text"}:
        raise Refusal(400, 10203, "content_type is text or json")
    body = str(one["body"]).encode() if content_type == "text" else json.dumps(one["body"]).encode()
    if not 0 < len(body) + METADATA_BYTES <= MESSAGE_BYTES:
        raise Refusal(413, 10204, f"a message has at most {MESSAGE_BYTES} bytes")
    return body, str(content_type), _delay(one.get("delay_seconds", delay))


def _delay(value: Any) -> float:
    if not _is_number(value) or not 0 <= value <= LONGEST_DELAY or value != int(value):
        raise Refusal(400, 10203, "delay_seconds is a whole number up to 24 h")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise Refusal(400, 10208, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Refusal(400, 10207, "the body is not an object")
    return body  # pyright: ignore[reportUnknownVariableType]


def _envelope(result: dict[str, Any] | None, refusal: Refusal | None = None) -> JSONResponse:
    errors = [] if refusal is None else [{"code": refusal.code, "message": str(refusal)}]
    return JSONResponse(
        {"success": refusal is None, "errors": errors, "messages": [], "result": result},
        status_code=200 if refusal is None else refusal.status,
        headers=None if refusal is None else refusal.headers,
    )


def _listening(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()  # whoever reads the port may come before the server has started
    return listener


@asynccontextmanager
async def cloudflare_queue(
    *, clock: Callable[[], float] = time.time, max_retries: int = 3, also: Sequence[BaseRoute] = ()
) -> AsyncGenerator[StandIn]:
    """The stand-in in this event loop, on a free port, until the block ends."""
    state = StandIn(clock=clock, max_retries=max_retries, also=also)
    async with served(state.app()) as state.port:
        try:
            yield state
        finally:
            for gate in state.gates.values():
                gate.set()


@asynccontextmanager
async def served(app: ASGIApp, *, log_level: str = "error") -> AsyncGenerator[int]:
    """`app` in this event loop; the port it listens on."""
    with _listening(0) as listener:
        server = await _started(uvicorn.Config(app, log_level=log_level, lifespan="off"), listener)
        try:
            yield listener.getsockname()[1]
        finally:
            await _ended(server)


async def _started(config: uvicorn.Config, listener: socket.socket) -> uvicorn.Server:
    """What `Server.serve` does, without its signals and its loop, which ends a tenth of a second late."""
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    return server


async def _ended(server: uvicorn.Server) -> None:
    for one in server.servers:
        one.close()
    for connection in [*server.server_state.connections]:
        connection.shutdown()
    await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
    for one in server.servers:
        await one.wait_closed()


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueProcess:
    """A stand-in in a process of its own."""

    port: int
    environment: Mapping[str, str]
    """The settings of an editqueue that uses it."""
    account_id: str = ACCOUNT_ID
    queue_id: str = QUEUE_ID
    token: str = TOKEN

    @property
    def base_url(self) -> str:
        return self.environment["CLOUDFLARE_BASE_URL"]

    @property
    def books_url(self) -> str:
        """Answers GET with the counts of queue_state.Books, and `backlog`, `leased`, `dead_letters`."""
        return f"http://127.0.0.1:{self.port}/books"


@contextmanager
def cloudflare_queue_process(*, max_retries: int = 3, port: int = 0) -> Generator[QueueProcess]:
    """A stand-in that other processes can use, until the block ends."""
    command = [sys.executable, "-m", "devtools.cloudflare_queue.server", str(port), str(max_retries)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=dict(os.environ), start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            environment: dict[str, str] = json.loads(process.stdout.readline())
            found = int(environment["CLOUDFLARE_BASE_URL"].split(":")[2].split("/")[0])
            yield QueueProcess(port=found, environment=environment)
        finally:
            process.kill()


async def _serve_for_ever(port: int, max_retries: int) -> None:
    state = StandIn(max_retries=max_retries)
    with _listening(port) as listener:
        state.port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(state.app(), log_level="error", lifespan="off"))
        sys.stdout.write(json.dumps(state.environment) + "\n")
        sys.stdout.flush()
        await server.serve(sockets=[listener])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve_for_ever(int(sys.argv[1]), int(sys.argv[2])))
