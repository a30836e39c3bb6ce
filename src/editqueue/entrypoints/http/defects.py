"""What nobody expected ends here, inside of what every answer gets.

Starlette would answer it outside of every middleware, where pages of other origins may not read the answer, and then
hand it on to the server, which logs it again.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from editqueue.entrypoints.http.in_time import hang_up
from editqueue.entrypoints.http.problems import problem
from editqueue.ports.journal import Journal

_INTERNAL = problem(500, "internal", "something went wrong on our side; it has been logged")


class Defects:
    """Answers 500 in place of an application that raises; an answer that has begun is cut off. The error is logged, and
    goes no further."""

    def __init__(self, app: ASGIApp, *, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = over = False

        async def send_noted(message: Message) -> None:
            nonlocal begun, over
            begun = True
            over = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:  # noqa: BLE001  # whatever it was, the client is told that it was us
            self._journal.error(None, error)
            if not begun:
                await _INTERNAL(scope, receive, send)
            elif not over:
                await hang_up(scope, receive)
