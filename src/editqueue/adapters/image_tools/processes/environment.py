"""Worker processes whose environment holds what libraries need of it and no secret of the consumer's, and whose
output goes nowhere: native libraries print, and a pipe that nobody reads would stop them."""

import errno
import os
import signal
import subprocess
import threading
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, util
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from typing import Final, cast

KEPT: Final = frozenset({
    "HOME", "LANG", "LANGUAGE", "PATH", "TMPDIR", "TZ",
    "SSL_CERT_DIR", "SSL_CERT_FILE",
    "all_proxy", "http_proxy", "https_proxy", "no_proxy", "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
})  # fmt: skip
"""The last two lines: how to reach a bucket; its keys come with each job."""
KEPT_PREFIXES: Final = ("DYLD_", "LC_", "LD_", "MALLOC_", "OMP_", "OPENBLAS_", "PYTHON", "VIPS_")
DESCRIPTORS: Final = 16
"""File descriptors that the start of a worker takes for a moment, its two helper processes included."""
ANSWER_SECONDS: Final = 10
"""Until a fork server that gives no worker is killed: it needs as long as Python takes to start, then milliseconds."""
_one_at_a_time: Final = threading.Lock()


def worker_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}


class CleanProcess(ForkServerProcess):
    """A child of the fork server. Neither fork (threads and open databases) nor spawn (0.3 s a worker).

    Its start also starts the fork server and the resource tracker of the standard library, where they are not
    running or have died.
    """

    def start(self) -> None:
        """Raises OSError, and EOFError if the fork server dies meanwhile, as it does at the latest in its time."""
        with _one_at_a_time, _clean_helpers(), _answered_in_time():
            _check_descriptors()
            super().start()

    def exit_code_within(self, seconds: float) -> int | None:
        """None if it runs on. 255 if the fork server died, which alone could tell."""
        wait([self.sentinel], seconds)
        with _one_at_a_time:  # the start of another one asks, too, and an exit code can be read but once
            return self.exitcode


@contextmanager
def _clean_helpers() -> Generator[None]:
    """Both helper processes inherit our environment: they cannot be given another. To change our own meanwhile would
    pull it from under other threads, those of native libraries too."""
    inheriting, util.spawnv_passfds = util.spawnv_passfds, _spawn_clean
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="resource_tracker: process died")
            yield
    finally:
        util.spawnv_passfds = inheriting


@contextmanager
def _answered_in_time() -> Generator[None]:
    """A fork server that is stopped, or finds no memory to fork, would hold whoever waits for its answer for ever."""
    watch = threading.Timer(ANSWER_SECONDS, _kill_fork_server)
    watch.daemon = True
    try:
        watch.start()
    except RuntimeError as error:  # so Python says that the system gives no thread
        raise OSError(errno.EAGAIN, str(error)) from error
    try:
        yield
    finally:
        watch.cancel()
        watch.join()


def _kill_fork_server() -> None:
    """The next start makes another one. Its workers end with it."""
    # The standard library tells it nowhere else.
    server = cast("int | None", forkserver._forkserver._forkserver_pid)  # noqa: SLF001  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage, reportUnknownMemberType]  # as above
    if server is not None:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)


def _check_descriptors() -> None:
    """Raise OSError before a start that would run out of them half way: the standard library then leaks some."""
    taken: list[int] = []
    try:
        taken.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(DESCRIPTORS))
    finally:
        for descriptor in taken:
            if descriptor > 2:  # a closed standard stream stays taken, lest a pipe to a helper comes to lie there
                os.close(descriptor)


def _spawn_clean(path: str | bytes, args: Sequence[str], passfds: Sequence[int]) -> int:
    """As `multiprocessing.util.spawnv_passfds`: the id of the new process, for which the caller waits."""
    process = subprocess.Popen(  # noqa: S603  # our own interpreter
        args,
        executable=path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[descriptor for descriptor in passfds if descriptor > 2],  # the resource tracker is to have our stderr
        env=worker_environment(),
        restore_signals=False,
    )
    process.returncode = 0  # else its end would be waited for here, too
    return process.pid
