"""Stands before the Worker's main module while it is tested: runs what tests post to it in the Worker's own isolate.

What is posted, and what comes back, is pickled: both sides have the same classes.
"""

import inspect
import json
import pickle
import sys
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from traceback import format_exception
from typing import Any
from urllib.parse import urlsplit

from main_of_the_worker import Default as Worker
from pyodide.code import eval_code_async
from workers import Response

from editqueue.entrypoints.cloudflare import _ISOLATE as ISOLATE  # pyright: ignore[reportPrivateUsage]  # what it keeps

MODULES = sorted(sys.modules)
SHARED = ("editqueue.", "builtins", "sqlalchemy.")
"""Where the classes are that the tests have, too."""


class Default(Worker):
    async def fetch(self, request: Any) -> Any:
        path = urlsplit(str(request.url)).path
        if path not in {"/__isolate/call", "/__isolate/run"}:
            return await super().fetch(request)
        asked = pickle.loads(b64decode(await request.text()))  # from the test that started this
        answer: Mapping[str, object]
        try:
            answer = {"made": await (self._call(**asked) if path.endswith("call") else self._run(asked))}
        except Exception as error:  # noqa: BLE001  # whoever asked gets it
            answer = {"raised": _portable(error), "traceback": "".join(format_exception(error))}
        return Response(b64encode(pickle.dumps(answer)).decode())

    async def _call(self, *, role: str, method: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        made = getattr(getattr(ISOLATE.worker(self.env).ports, role), method)(*args, **kwargs)
        if inspect.isasyncgen(made):
            return [one async for one in made]
        return await made if inspect.isawaitable(made) else made

    async def _run(self, code: str) -> object:
        names = {"env": self.env, "modules": MODULES}
        return json.loads(json.dumps(await eval_code_async(code, names)))


def _portable(error: Exception) -> Exception | str:
    """The error itself if the tests can have it, else its class and text."""
    if type(error).__module__.startswith(SHARED):
        try:
            return pickle.loads(pickle.dumps(error))  # just made
        except Exception:  # noqa: BLE001  # it holds something of the runtime's
            pass
    return f"{type(error).__name__}: {error}"
