"""What crosses from the runtime's JavaScript into Python, whatever binding it comes from."""

from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any


class JsError(Exception):
    """What stand-ins of the bindings raise where there is no Pyodide."""


@cache
def js_exceptions() -> tuple[type[BaseException], ...]:
    """As what an error of the runtime's JavaScript arrives: in Pyodide as JsException, elsewhere as JsError."""
    try:
        from pyodide.ffi import JsException  # noqa: PLC0415  # pyright: ignore[reportMissingImports, reportUnknownVariableType]  # exists in the Cloudflare runtime only
    except ImportError:
        return (JsError,)
    return (JsException,)  # pyright: ignore[reportUnknownVariableType]  # as above


async def pieces_of(body: Any) -> AsyncIterator[bytes]:
    """A stream of the runtime as bytes of ours."""
    async for piece in body:
        yield piece if isinstance(piece, bytes) else piece.to_bytes()


def stream_of(body: bytes) -> Any:
    """Bytes of ours as a stream of the runtime; stand-ins of the bindings take the bytes themselves."""
    try:
        from js import Blob  # noqa: PLC0415  # pyright: ignore[reportMissingImports, reportUnknownVariableType]  # exists in the Cloudflare runtime only
        from pyodide.ffi import to_js  # noqa: PLC0415  # pyright: ignore[reportMissingImports, reportUnknownVariableType]  # as above
    except ImportError:
        return body
    return Blob.new(to_js([body])).stream()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # as above


def without_none(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """For a binding: where Python says None, JavaScript expects no key at all and takes it for a value."""
    return {name: value for name, value in (values or {}).items() if value is not None}


def first_line(error: BaseException) -> str:
    """What a JavaScript error says, without the stack that Pyodide puts below."""
    return (str(error).splitlines() or [type(error).__name__])[0]
