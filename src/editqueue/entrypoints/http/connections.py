"""The connections of a server: not more than it can bear, and none that keeps silent for ever.

uvicorn bounds neither: it waits without end for the first request of a connection and for a client that does not take
its answer, and its `limit_concurrency` counts idle connections without closing any.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from editqueue.entrypoints.http.in_time import HANG_UP
from editqueue.entrypoints.http.problems import ProblemResponse, problem, unavailable_now

MOST_SEEN_OFF: Final = 16
"""Refused clients that are given a moment to read why; any more are cut off at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionLimits:
    """Times are in seconds."""

    most: int
    silence: float = 10.0
    """From connecting, from the last answer, and from the first byte of a request until its headers are complete."""
    stalled: float = 30.0
    """For a client that takes nothing of what it is sent, or sends nothing more of a body that was answered early."""
    answered_body: float = 3600.0
    """For the whole rest of such a body: who is cut off over it never reads the answer."""
    reading_refusal: float = 1.0
    look_every: float = 1.0


class Connections:
    """All connections of one server, the idle ones in the order in which they fell silent."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: set[BoundedConnection] = set()
        self._idle: dict[BoundedConnection, None] = {}
        self._seen_off: set[BoundedConnection] = set()
        self._winding_down = False
        self._next_look: asyncio.TimerHandle | None = None

    def admit(self, connection: "BoundedConnection") -> bool:
        """If need be, in place of the one that has been idle longest, or had its answer long ago and still sends a body
        that nobody reads. False if every other one is busy."""
        self._look_soon(connection.loop)
        if len(self._open) >= self.limits.most:
            idle = next((one for one in self._idle if one.has_sent_all), None)
            longest = idle or self._answered_long_ago(connection.loop.time())
            if longest is None:
                return False
            self.gone(longest)
            longest.transport.abort()
        self._open.add(connection)
        self.idle(connection)
        return True

    def _answered_long_ago(self, now: float) -> "BoundedConnection | None":
        """The first of those who have had as long to read their answer as a silent one may stay."""
        past = [one for one in self._open if one.is_past_answer and one.has_sent_all]
        first = min(past, key=lambda one: one.answered_at, default=None)
        return first if first is not None and now - first.answered_at >= self.limits.silence else None

    def see_off(self, connection: "BoundedConnection") -> bool:
        """Whether a refused client may stay until it has read why."""
        if len(self._seen_off) >= MOST_SEEN_OFF:
            return False
        self._seen_off.add(connection)
        return True

    def busy(self, connection: "BoundedConnection") -> None:
        self._idle.pop(connection, None)

    def idle(self, connection: "BoundedConnection") -> None:
        if connection in self._open:
            self._idle[connection] = None
            self._close_when_quiet()

    def gone(self, connection: "BoundedConnection") -> None:
        for group in (self._open, self._seen_off):
            group.discard(connection)
        self._idle.pop(connection, None)
        self._close_when_quiet()

    def wind_down(self) -> None:
        """Idle clients stay as long as others are waited for: what they ask meanwhile is answered."""
        self._winding_down = True
        self._close_when_quiet()

    def abort(self) -> None:
        """Cut off everybody who is left."""
        for connection in [*self._open, *self._seen_off]:
            connection.transport.abort()

    def cut_off_overdue(self, now: float) -> None:
        """`now` is the event loop's time."""
        for connection in [*self._open, *self._seen_off]:
            if connection.is_overdue(now):
                connection.transport.abort()

    def _close_when_quiet(self) -> None:
        if self._winding_down and len(self._idle) == len(self._open):
            for connection in self._idle:
                connection.transport.close()

    def _look_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._next_look is None:
            self._next_look = loop.call_later(self.limits.look_every, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._next_look = None
        self.cut_off_overdue(loop.time())
        if self._open or self._seen_off:
            self._look_soon(loop)


class BoundedConnection(H11Protocol):
    """One connection, which tells `Connections` what becomes of it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._all = connections
        self._refused = False
        self._heard = False
        self._silent_since = self._taking_since = self.answered_at = self.loop.time()
        self._unsent = 0

    @property
    def is_busy(self) -> bool:
        """Whether a request waits for the rest of its answer."""
        return self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]  # uvicorn types what is None before the first request as if it never were

    @property
    def is_past_answer(self) -> bool:
        """Whether the answer is sent, and the body of its request still arrives, which nobody reads any more."""
        return self.cycle is not None and self.cycle.response_complete and self.conn.their_state is h11.SEND_BODY  # pyright: ignore[reportUnnecessaryComparison]  # as above

    @property
    def has_sent_all(self) -> bool:
        return self.transport.get_write_buffer_size() == 0

    def is_overdue(self, now: float) -> bool:
        """Looks at what is unsent, too: it has to have changed between two looks, unless there is nothing."""
        limits = self._all.limits
        if self._refused:
            return now - self._silent_since > limits.reading_refusal
        unsent, before = self.transport.get_write_buffer_size(), self._unsent
        self._unsent = unsent
        if unsent == 0 or unsent != before:
            self._taking_since = now
        if unsent > 0:
            return now - self._taking_since > limits.stalled
        if self.is_busy:
            return False
        if self.is_past_answer:
            return now - self._silent_since > limits.stalled or now - self.answered_at > limits.answered_body
        return now - self._silent_since > limits.silence

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if self._all.admit(self):
            return
        self._refused = True
        transport.write(_FULL)
        if self._all.see_off(self):
            # A close would reset the connection over what the client has sent and we never read.
            with suppress(OSError):  # it has gone already
                transport.write_eof()
        else:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.gone(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self.is_past_answer:
            self._silent_since = self.loop.time()
        elif not (self._heard or self.is_busy):
            self._heard = True
            self._silent_since = self.loop.time()
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self.is_busy:
            self._all.busy(self)
            self.cycle.scope["extensions"] = {HANG_UP: {"now": self.transport.abort}}
        elif not self.is_past_answer:
            self._all.idle(self)

    def on_response_complete(self) -> None:
        self._heard = False
        self._silent_since = self.answered_at = self.loop.time()
        super().on_response_complete()
        if self.is_past_answer:
            self._unset_keepalive_if_required()  # uvicorn would close it while the body still arrives
        elif not self.is_busy:
            self._all.idle(self)

    def resume_writing(self) -> None:
        self._taking_since = self.loop.time()
        super().resume_writing()

    def shutdown(self) -> None:
        """Called by uvicorn when the server begins to end; those without a request are `Connections`' affair."""
        if self.is_busy:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        del msg
        if not (self.is_busy and self.cycle.response_started):
            self.transport.write(_BAD_REQUEST)
        self.transport.close()


def _as_bytes(answer: ProblemResponse) -> bytes:
    """An answer on the wire, for where no application is asked."""
    lines: list[bytes] = [f"HTTP/1.1 {answer.status_code} {HTTPStatus(answer.status_code).phrase}".encode()]
    lines += [name + b": " + value for name, value in answer.raw_headers]
    body: Any = answer.body
    return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(body)


_FULL: Final = _as_bytes(unavailable_now("too_many_connections", "this server is full; try again soon"))
_BAD_REQUEST: Final = _as_bytes(problem(400, "bad_request", "this is no HTTP request", headers={"Connection": "close"}))
