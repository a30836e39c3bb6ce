"""What crosses between the runtime's JavaScript and Python, whatever binding it goes to or comes from."""

from collections.abc import AsyncIterator, Mapping
from functools import cache
from inspect import isawaitable
from typing import Any, TypeVar, cast

Binding = TypeVar("Binding")


@cache
def js_exceptions() -> tuple[type[BaseException], ...]:
    """As what an error of the runtime's JavaScript arrives; nothing where there is no such runtime."""
    try:
        from pyodide.ffi import JsException  # noqa: PLC0415  # pyright: ignore[reportMissingImports, reportUnknownVariableType]  # exists in the Cloudflare runtime only
    except ImportError:
        return ()
    return (JsException,)  # pyright: ignore[reportUnknownVariableType]  # as above


def without_none(binding: Binding) -> Binding:
    """The binding, but that no None in options gets to it: JavaScript expects no key there, and takes it for a value.

    R2 shows six fields of metadata, None where nothing is set, and would store the text `null` for them. Not for D1, to
    which None is a value: NULL.
    """
    return cast("Binding", _WithoutNone(binding))


class _WithoutNone:
    def __init__(self, binding: object) -> None:
        self._binding = binding

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._binding, name)

        def call(*given: object, **options: object) -> Any:
            made = method(*map(_cleaned, given), **_cleaned(options))
            return made if isawaitable(made) else _WithoutNone(made)

        return call


def _cleaned(value: Any) -> Any:
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value).items()
        return {name: _cleaned(one) for name, one in entries if one is not None}
    if isinstance(value, list):
        return [_cleaned(one) for one in cast("list[object]", value)]
    return value


async def pieces_of(body: Any) -> AsyncIterator[bytes]:
    """A stream of the runtime as bytes of ours."""
    async for piece in body:
        yield piece if isinstance(piece, bytes) else piece.to_bytes()


def stream_of(body: bytes) -> Any:
    """Bytes of ours as a stream of the runtime; where there is none, the bytes themselves."""
    try:
        from js import Blob  # noqa: PLC0415  # pyright: ignore[reportMissingImports, reportUnknownVariableType]  # exists in the Cloudflare runtime only
        from pyodide.ffi import to_js  # noqa: PLC0415  # pyright: ignore[reportMissingImports, reportUnknownVariableType]  # as above
    except ImportError:
        return body
    return Blob.new(to_js([body])).stream()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # as above


def first_line(error: BaseException) -> str:
    """What a JavaScript error says, without the word Error before it and the stack below it."""
    return (str(error).splitlines() or [type(error).__name__])[0].removeprefix("Error: ")


def refused_by_type(error: BaseException) -> bool:
    """Whether the runtime could not take what was handed to it: a defect of ours, and no outage."""
    return first_line(error).startswith(("TypeError:", "D1_TYPE_ERROR:"))
