"""What crosses from the runtime's JavaScript into Python, whatever binding it comes from."""

from collections.abc import AsyncIterator
from typing import Any


async def pieces_of(body: Any) -> AsyncIterator[bytes]:
    """A stream of the runtime as bytes of ours."""
    async for piece in body:
        yield piece if isinstance(piece, bytes) else piece.to_bytes()


def first_line(error: BaseException) -> str:
    """What a JavaScript error says, without the stack that Pyodide puts below."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def js_exceptions() -> type[Exception]:
    """What a failed call of a binding raises: Pyodide's JsException; RuntimeError where a stand-in plays its part."""
    try:
        from pyodide.ffi import JsException  # noqa: PLC0415  # pyright: ignore[reportMissingImports, reportUnknownVariableType]  # the runtime's
    except ImportError:
        return RuntimeError
    return JsException  # pyright: ignore[reportUnknownVariableType]  # as above
