"""Start processes through the zygote and wait for their end."""

import asyncio
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.plan import Plan

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    code: int
    """Negative: ended by that signal."""
    out: str
    err: str

    def lines(self) -> list[str]:
        """What it printed, of a process that ended well."""
        assert self.code == 0, self.err
        return self.out.splitlines()


class Processes:
    """Any number of them at a time; the same zygote serves a whole test run."""

    def __init__(self, zygote: "subprocess.Popen[str]", folder: Path) -> None:
        self._zygote = zygote
        self._folder = folder
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[int]] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    async def run(self, plan: Plan) -> Ended:
        number = next(self._numbers)
        out, err = self._folder / f"{number}.out", self._folder / f"{number}.err"
        future = self._waiting[number] = Future()
        wish = {"number": number, "plan": plan.as_json(), "out": str(out), "err": str(err)}
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(json.dumps(wish) + "\n")
        self._zygote.stdin.flush()
        code = await asyncio.wrap_future(future)
        return Ended(code=code, out=_taken(out), err=_taken(err))

    def _read(self) -> None:
        assert self._zygote.stdout is not None
        for line in self._zygote.stdout:
            answer = json.loads(line)
            future = self._waiting.pop(answer["number"])
            if future.set_running_or_notify_cancel():
                future.set_result(answer["code"])
        for future in self._waiting.values():
            if future.set_running_or_notify_cancel():
                future.set_exception(RuntimeError("the zygote has died"))


def _taken(path: Path) -> str:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    path.unlink(missing_ok=True)
    return text


@contextmanager
def processes(folder: Path) -> Generator[Processes]:
    """Ready to fork at once; nothing of it outlives the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.zygote"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as zygote:
        try:
            yield Processes(zygote, folder)
        finally:
            assert zygote.stdin is not None
            zygote.stdin.close()
