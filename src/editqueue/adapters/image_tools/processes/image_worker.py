"""One worker process, as the consumer holds it."""

import os
import signal
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Final

from editqueue.adapters.image_tools.processes import worker
from editqueue.adapters.image_tools.processes.environment import CleanProcess
from editqueue.adapters.image_tools.processes.worker import Picture
from editqueue.domain.errors import NoImageWorker
from editqueue.ports.image_tools import Preview

START_SECONDS: Final = 30
"""Until a worker that is not ready is given up: it needs 0.3 s, and a few on a machine that is overloaded."""
LOOK_EVERY: Final = 1.0
"""Seconds between looks at the CPU time of a worker at work."""
LEAST_SHARE: Final = 0.25
"""Of its time limit that a picture must have used as CPU time, to count as one that takes too long."""
END_SECONDS: Final = 3
"""From its last word, or from SIGKILL, to its exit code: a millisecond, unless it hangs in the kernel."""
FORK_SERVER_DIED: Final = 255
"""The exit code of a worker of whose end nobody could tell."""
FROM_OUTSIDE: Final = frozenset({
    None, FORK_SERVER_DIED, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP
})  # fmt: skip
"""Exit codes that say nothing of the picture: by these signals people end a worker, or whatever guards the memory; and
a fork server that cannot tell of an end has been killed or stopped itself."""


class WorkerEnded(Exception):
    """`exit_code` is None where it was not told in time. `starved` as `ImageWorker` has it."""

    def __init__(self, exit_code: int | None, *, starved: bool = False) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code
        self.starved = exit_code == -signal.SIGALRM and starved

    @property
    def from_outside(self) -> bool:
        return self.exit_code in FROM_OUTSIDE or self.starved


class ImageWorker:
    """What waits here for the process ends when that is killed."""

    def __init__(self, memory_bytes: int) -> None:
        """Raises OSError, and EOFError if the fork server dies meanwhile. It is not ready yet."""
        self.pictures = 0
        """That it was given."""
        self.starved = False
        """Whether it got next to no CPU time for the last one."""
        self._pipe, theirs = Pipe()
        self._process = CleanProcess(target=worker.serve, args=(theirs, memory_bytes, os.getpid()), daemon=True)
        try:
            self._process.start()
        except BaseException:
            self._pipe.close()
            raise
        finally:
            theirs.close()

    @property
    def idle_and_alive(self) -> bool:
        with suppress(OSError):
            return not self._pipe.poll()  # an idle one says nothing: what can be read then is its end
        return False

    def make(self, picture: Picture) -> Preview | BaseException:
        """What it answers. Raises EOFError and OSError where the process has ended, and NoImageWorker where it cannot
        get ready."""
        if self.pictures == 0:
            self._wait_until_ready()
        self.pictures += 1
        before = _cpu_seconds(self._process.pid)
        self._pipe.send(picture)
        self._watch(picture.limits.wall_seconds, before)
        return self._pipe.recv()

    def _watch(self, wall_seconds: float, before: float | None) -> None:
        """Until it says something or ends. A picture that is worth its time limit uses CPU time all along; a process
        that was stopped, or never got its turn, does not."""
        used = before
        while not self._pipe.poll(min(LOOK_EVERY, wall_seconds / 10)):
            used = _cpu_seconds(self._process.pid) or used
        self.starved = before is not None and used is not None and used - before < wall_seconds * LEAST_SHARE

    def exit_code(self) -> int | None:
        """Of a process that has ended; None if it is not told in time."""
        return self._process.exit_code_within(END_SECONDS)

    def _wait_until_ready(self) -> None:
        if not self._pipe.poll(START_SECONDS):
            raise NoImageWorker(f"the image worker was not ready after {START_SECONDS} s")
        said = self._pipe.recv()
        if said != worker.READY:
            raise NoImageWorker(f"the image worker cannot start: {said}")

    def kill(self) -> None:
        """At its work: an idle one may have died long ago, and its id be another's."""
        if self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)  # Process.kill does nothing once the fork server died

    def end(self) -> None:
        """Kill it if it still runs, and give back all that it holds here. Once."""
        self._pipe.close()
        if self._process.exit_code_within(0) is None:
            self._process.kill()
        exit_code = self._process.exit_code_within(END_SECONDS)
        if exit_code == FORK_SERVER_DIED and self._process.pid is not None:
            _reap(self._process.pid)
        if exit_code is not None:
            self._process.close()


def _cpu_seconds(pid: int | None) -> float | None:
    """That a process has used; None where the system does not tell it so."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _reap(pid: int) -> None:
    """Process 1, as a consumer is in a container, inherits the workers of a fork server that died."""
    with suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG) == (0, 0):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
