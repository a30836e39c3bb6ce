"""Bodies whose JSON nests too deeply are refused before they are parsed.

On a server, parsing them ends with an error. A Worker's stack is small: Python in it dies of 6,000 brackets, and
whatever else its isolate is doing dies with it.
"""

import json
import re
from collections.abc import Callable, Coroutine
from itertools import accumulate
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

DEEPEST = 100
"""Levels; the API's own bodies have three."""
_BETWEEN_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[^\[\]{}"]++', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


class ShallowJsonRoute(APIRoute):
    """A route that reads no deep JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_shallow(request: Request) -> Response:
            return await handle(_ShallowRequest(request.scope, request.receive))

        return handle_shallow


class _ShallowRequest(Request):
    async def json(self) -> Any:
        """Raises ValueError for what is no JSON, RecursionError for what nests deeper than DEEPEST."""
        body = await self.body()
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        if _depth(text) > DEEPEST:
            raise RecursionError(f"the body nests deeper than {DEEPEST} levels")
        return json.loads(text)


def _depth(text: str) -> int:
    """Levels of the brackets outside of strings."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0
    brackets = _BETWEEN_BRACKETS.sub("", text)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)
