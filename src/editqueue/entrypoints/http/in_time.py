"""Every request is answered in time: within its deadline, and before the server ends.

For servers only. Cloudflare bounds the requests of a Worker itself, and ends what still runs after an answer: an early
answer would cut off what must run to completion.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from editqueue.domain.errors import TransientError
from editqueue.entrypoints.http.problems import ProblemResponse, problem, unavailable_now
from editqueue.ports.journal import Journal

HANG_UP: Final = "editqueue.hang_up"
"""The ASGI extension by which a server lends the application a way to cut its connection: `{"now": function}`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadlines:
    """Seconds from a request, or from the last piece of an answer that has begun, until it is given up."""

    api: float = 10.0
    slow: Mapping[str, float]
    """By path. `finalize` reads an upload of up to 250 MB for its checksum: 60 s are enough at 4 MB/s, which is slow
    for any bucket."""

    def of(self, path: str) -> float | None:
        """None for what is no part of the API: an upload or download takes as long as its bytes keep coming."""
        return self.slow.get(path, self.api) if path.startswith("/api") else None


SHUTTING_DOWN: Final = unavailable_now("shutting_down", "this server is ending; try again soon")
DEADLINES: Final = Deadlines(slow={"/api/uploads/finalize": 60.0})


class DeadlineExceeded(TransientError):
    code = "deadline_exceeded"


class Closing:
    """The server's end, as running requests see it. Made inside a running event loop."""

    def __init__(self) -> None:
        self.begun = False
        """From now on new requests are refused."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when running requests have had their time."""


class InTime:
    """Answers 503 in place of an application that takes too long, and as long as the server is ending; 408 where it
    still waits for the request's body.

    The application runs in a task of its own, which is cancelled then and not waited for: some of what it does runs to
    its end on purpose. What it still sends is dropped.
    """

    def __init__(self, app: ASGIApp, *, closing: Closing, journal: Journal, deadlines: Deadlines = DEADLINES) -> None:
        self._app = app
        self._closing = closing
        self._journal = journal
        self._deadlines = deadlines
        self._given_up: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._closing.begun:
            await SHUTTING_DOWN(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, answer = _Body(receive), _Answer(send)
        work = asyncio.create_task(_run(self._app, scope, body.receive, answer.send))
        try:
            await self._wait(work, answer, self._deadlines.of(scope["path"]))
        finally:
            if not work.done():
                self._give_up(work)
        if work.done():
            work.result()
            return
        answer.dropped = True
        if answer.begun:
            await hang_up(scope, receive)
        else:
            await self._refusal(scope, body)(scope, receive, send)

    async def _wait(self, work: asyncio.Task[None], answer: "_Answer", seconds: float | None) -> None:
        """Until `work` has ended, its time is up, or the server's."""
        loop = asyncio.get_running_loop()
        while not (work.done() or self._closing.over.done()):
            left = None if seconds is None else answer.last_sign + seconds - loop.time()
            if left is not None and left <= 0:
                return
            await asyncio.wait([work, self._closing.over], timeout=left, return_when=asyncio.FIRST_COMPLETED)

    def _give_up(self, work: asyncio.Task[None]) -> None:
        self._given_up.add(work)  # the event loop itself would not keep it from being collected
        work.add_done_callback(self._forget)
        work.cancel()

    def _forget(self, work: asyncio.Task[None]) -> None:
        self._given_up.discard(work)
        error = None if work.cancelled() else work.exception()
        if error is not None:
            self._journal.error(None, error)

    def _refusal(self, scope: Scope, body: "_Body") -> ProblemResponse:
        if self._closing.over.done():
            return SHUTTING_DOWN
        seconds = self._deadlines.of(scope["path"])
        if body.is_awaited:
            slow = f"the body did not come within {seconds:g} s; try again"
            return problem(408, "body_too_slow", slow, headers={"Connection": "close"})  # its rest may never come
        error = DeadlineExceeded(f"{scope['method']} {scope['path'][:200]} was not answered within {seconds:g} s")
        self._journal.error(None, error)
        return problem(503, error.code, "this took too long; try again soon", headers={"Retry-After": "5"})


class _Body:
    """What has come of one request."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_whole = False
        self._is_asked_for = False

    @property
    def is_awaited(self) -> bool:
        """Whether the application waits for more of it, and not for the end of the connection."""
        return self._is_asked_for and not self._is_whole

    async def receive(self) -> Message:
        self._is_asked_for = True
        message = await self._receive()
        self._is_asked_for = False
        self._is_whole = not message.get("more_body", False)
        return message


class _Answer:
    """What has been sent for one request."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self.dropped = False
        """What comes now is too late."""
        self.last_sign = asyncio.get_running_loop().time()

    async def send(self, message: Message) -> None:
        if self.dropped:
            return
        self.begun = True
        self.last_sign = asyncio.get_running_loop().time()
        await self._send(message)


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """`app` as a coroutine: an ASGI application may return any awaitable, of which no task can be made."""
    await app(scope, receive, send)


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Half an answer cannot become a whole one: the client learns it from the end of the connection."""
    extensions: dict[str, dict[str, Callable[[], None]]] = scope.get("extensions") or {}
    if HANG_UP not in extensions:
        return
    extensions[HANG_UP]["now"]()
    while (await receive())["type"] != "http.disconnect":  # returning earlier would be an error in the server's eyes
        pass
