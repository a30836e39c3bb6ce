"""Real processes at the cost of a fork: python -m tests.reliability.zygote has everything imported, and forks.

It reads one JSON line a wish on stdin and answers one JSON line a process that ended. Every child opens its own
database and bucket, and dies by real signals. When stdin ends, so do all of them.
"""

import asyncio
import json
import os
import selectors
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

from tests.reliability.plan import Plan
from tests.reliability.workers import TASKS


@dataclass
class Zygote:
    children: dict[int, int] = field(default_factory=dict[int, int])
    """Process id -> number of the wish."""
    deadlines: dict[int, float] = field(default_factory=dict[int, float])
    """Process id -> when it gets SIGKILL."""
    rest: bytes = b""

    def serve(self) -> None:
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, _only_wake)
        signal.set_wakeup_fd(wake)
        with selectors.DefaultSelector() as selector:
            selector.register(0, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while self._turn([key.fd for key, _ in selector.select(self._patience())], woken):
                pass

    def _turn(self, ready: list[int], woken: int) -> bool:
        if woken in ready:
            os.read(woken, 4096)
        self._reap()
        self._kill_the_late()
        return self._take_wishes() if 0 in ready else True

    def _patience(self) -> float | None:
        return max(0, min(self.deadlines.values()) - time.monotonic()) if self.deadlines else None

    def _kill_the_late(self) -> None:
        now = time.monotonic()
        for pid in [pid for pid, deadline in self.deadlines.items() if deadline <= now]:
            del self.deadlines[pid]
            os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        for pid in [*self.children]:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self.deadlines.pop(pid, None)
                _say({"number": self.children.pop(pid), "code": os.waitstatus_to_exitcode(status)})

    def _take_wishes(self) -> bool:
        read = os.read(0, 65536)
        if not read:
            for pid in self.children:
                os.kill(pid, signal.SIGKILL)
            return False
        *lines, self.rest = (self.rest + read).split(b"\n")
        for line in lines:
            self._fork(json.loads(line))
        return True

    def _fork(self, wish: dict[str, Any]) -> None:
        plan = Plan.from_json(wish["plan"])
        pid = os.fork()
        if pid == 0:
            _become(plan, wish["out"], wish["err"])
        self.children[pid] = wish["number"]
        if plan.kill_after:
            self.deadlines[pid] = time.monotonic() + plan.kill_after


def _only_wake(_number: int, _frame: object) -> None:
    """A handler must be there for the wake-up file to be written."""


def _become(plan: Plan, out: str, err: str) -> None:
    """The child: never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd, path in ((0, os.devnull), (1, out), (2, err)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), fd)
        os.environ.update(plan.environment)
        asyncio.run(TASKS[plan.task](plan))
        code = 0
    except BaseException:  # noqa: BLE001  # whatever it was, the test reads it on stderr
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _say(answer: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    Zygote().serve()
