"""Worker processes whose environment holds what libraries need of it, and no secret of the consumer's."""

import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Final

KEPT: Final = frozenset({
    "HOME", "LANG", "LANGUAGE", "PATH", "TMPDIR", "TZ",
    "SSL_CERT_DIR", "SSL_CERT_FILE",
    "all_proxy", "http_proxy", "https_proxy", "no_proxy", "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
})  # fmt: skip
"""The last two lines: how to reach a bucket; its keys come with each job."""
KEPT_PREFIXES: Final = ("DYLD_", "LC_", "LD_", "MALLOC_", "OMP_", "OPENBLAS_", "PYTHON", "VIPS_")
_starting: Final = threading.Lock()


def worker_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}


def start_resource_tracker() -> None:
    """The process of the standard library's that cleans up after the others, if it is not running yet."""
    _start_clean(resource_tracker.ensure_running)


def _start_clean(start: Callable[[], None]) -> None:
    """Both helper processes inherit our environment: they cannot be given another. To change our own meanwhile would
    pull it from under other threads, those of native libraries too."""
    with _starting:
        inheriting, util.spawnv_passfds = util.spawnv_passfds, _spawn_clean
        try:
            start()
        finally:
            util.spawnv_passfds = inheriting


class CleanProcess(ForkServerProcess):
    """A child of the fork server, which is started with `worker_environment` if it is not running yet."""

    def start(self) -> None:
        _start_clean(forkserver.ensure_running)
        super().start()


class CleanContext(ForkServerContext):
    """For pools. Neither fork (threads and open databases) nor spawn (0.3 s a worker)."""

    Process = CleanProcess


def _spawn_clean(path: str | bytes, args: Sequence[str], passfds: Sequence[int]) -> int:
    """As `multiprocessing.util.spawnv_passfds`: the id of the new process, for which the caller waits."""
    process = subprocess.Popen(  # noqa: S603  # our own interpreter
        args, executable=path, pass_fds=passfds, env=worker_environment(), restore_signals=False
    )
    process.returncode = 0  # else its end would be waited for here, too
    return process.pid
