"""Errors of JavaScript are told from our own by their class."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from devtools.cloudflare.host import Cloudflare
from editqueue.adapters.js_interop import JsError, js_exceptions, stream_of


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    js_exceptions.cache_clear()
    yield
    js_exceptions.cache_clear()


def test_without_pyodide_they_are_what_the_stand_ins_raise() -> None:
    assert js_exceptions() == (JsError,)


def test_in_the_runtime_they_are_what_pyodide_makes_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class JsException(Exception):  # Pyodide's name
        pass

    ffi = ModuleType("pyodide.ffi")
    ffi.__dict__["JsException"] = JsException
    monkeypatch.setitem(sys.modules, "pyodide", ModuleType("pyodide"))
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)

    assert js_exceptions() == (JsException,)
    assert not issubclass(TypeError, js_exceptions())


def test_stand_ins_get_the_bytes_of_a_stream_themselves() -> None:
    assert stream_of(b"abc") == b"abc"


async def test_the_runtime_gets_bytes_as_a_stream_of_its_own(cloudflare: Cloudflare) -> None:
    code = """
import asyncio
from editqueue.adapters.js_interop import pieces_of, stream_of

async def told():
    stream = stream_of(b"abc")
    return [stream.constructor.name, b"".join([piece async for piece in pieces_of(stream)]).decode()]

async def as_text():
    return " ".join(await told())

asyncio.ensure_future(as_text())
"""

    assert await cloudflare.tell("evaluate", code=code) == "ReadableStream abc"


async def test_the_worker_asks_images_through_the_sdk(cloudflare: Cloudflare) -> None:
    code = """
import asyncio
import _pyodide_entrypoint_helper as helper
from editqueue.adapters.image_tools.cloudflare.images import BindingImages
from workers.rpc import _EnvWrapper

async def probed():
    return str(await BindingImages(_EnvWrapper(helper.cloudflareWorkersModule.env).IMAGES, None).probe())

asyncio.ensure_future(probed())
"""

    assert await cloudflare.tell("evaluate", code=code) == "None"
