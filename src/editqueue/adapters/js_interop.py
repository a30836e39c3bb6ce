"""What crosses from the runtime's JavaScript into Python, whatever binding it comes from."""

import sys
from collections.abc import AsyncIterator
from typing import Any


async def pieces_of(body: Any) -> AsyncIterator[bytes]:
    """A stream of the runtime as bytes of ours."""
    async for piece in body:
        yield piece if isinstance(piece, bytes) else piece.to_bytes()


def first_line(error: BaseException) -> str:
    """What a JavaScript error says, without the stack that Pyodide puts below."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def js_exceptions() -> tuple[type[Exception], ...]:
    """What a call into the runtime raises when JavaScript does; outside the runtime, what its stand-ins raise."""
    runtime: Any = sys.modules.get("pyodide.ffi")
    return (RuntimeError,) if runtime is None else (runtime.JsException,)
