# What this project uses of workers-runtime-sdk 1.9.5, which stays out of the development environment: its .pth
# file would patch every start of the interpreter.

from collections.abc import Iterable
from typing import Any

from workers import asgi as asgi

class _Headers:
    def items(self) -> Iterable[tuple[str, str]]: ...

class Request:
    def __init__(self, input: object) -> None: ...
    @property
    def js_object(self) -> Any: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> _Headers: ...
    @property
    def body(self) -> Any: ...

class Response:
    def __init__(self, body: str | None, *, status: int = 200) -> None: ...

class WorkerEntrypoint:
    ctx: Any
    env: Any
