"""Errors of JavaScript are told from our own by their class."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from editqueue.adapters.js_interop import JsError, js_exceptions


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
