"""What crosses between Python and JavaScript; where it can be seen, in the runtime itself."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from devtools.cloudflare.host import Cloudflare
from devtools.cloudflare.isolate import isolate
from editqueue.adapters.js_interop import js_exceptions, refused_by_type, stream_of, without_none


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    js_exceptions.cache_clear()
    yield
    js_exceptions.cache_clear()


def test_without_pyodide_there_are_no_errors_of_javascript() -> None:
    assert js_exceptions() == ()


def test_in_the_runtime_they_are_what_pyodide_makes_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class JsException(Exception):  # Pyodide's name
        pass

    ffi = ModuleType("pyodide.ffi")
    ffi.__dict__["JsException"] = JsException
    monkeypatch.setitem(sys.modules, "pyodide", ModuleType("pyodide"))
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)

    assert js_exceptions() == (JsException,)
    assert not issubclass(TypeError, js_exceptions())


class Noting:
    """A binding that notes what it is given, and gives itself to whoever goes on."""

    def __init__(self) -> None:
        self.given: list[object] = []

    def input(self, *given: object, **options: object) -> Any:
        self.given += [*given, options]
        return self

    async def output(self, *given: object, **options: object) -> str:
        self.given += [*given, options]
        return "made"


async def test_no_none_gets_to_a_binding_at_any_depth_and_whatever_its_method_returns() -> None:
    binding = Noting()
    picture = without_none(binding).input("stream", a=None, b={"c": None, "d": [{"e": None}]})

    assert await picture.output({"quality": None, "format": "jpeg"}, also=None) == "made"

    assert binding.given == ["stream", {"b": {"d": [{}]}}, {"format": "jpeg"}, {}]


async def test_a_binding_wrapped_twice_is_as_if_wrapped_once() -> None:
    binding = Noting()

    assert await without_none(without_none(binding)).output(b"body", a=None) == "made"

    assert binding.given == [b"body", {}]


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("TypeError: Failed to execute 'put' on 'R2Bucket'", True),
        ("Error: D1_TYPE_ERROR: Type 'bigint' not supported", True),
        ("Error: D1_ERROR: Network connection lost.", False),
        ("Error: put: We encountered an internal error. (10001)", False),
    ],
)
def test_what_the_runtime_cannot_take_is_told_from_what_it_cannot_do(said: str, refused: bool) -> None:
    assert refused_by_type(Exception(said)) is refused


def test_where_there_is_no_runtime_a_stream_is_its_bytes() -> None:
    assert stream_of(b"abc") == b"abc"


async def test_the_runtime_gets_bytes_as_a_stream_of_its_own(cloudflare: Cloudflare) -> None:
    code = """
from editqueue.adapters.js_interop import pieces_of, stream_of

stream = stream_of(b"abc")
[stream.constructor.name, b"".join([piece async for piece in pieces_of(stream)]).decode()]
"""
    async with isolate(cloudflare) as there:
        assert await there.run(code) == ["ReadableStream", "abc"]
