"""The time that work on one file may take, kept by the kernel: it ends native code that never returns."""

import math
import resource
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager


def allow_cpu(seconds: int) -> None:
    """From now on, this process may use so much CPU time; then SIGXCPU ends it."""
    used = math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, resource.RLIM_INFINITY))


class TimeLimit:
    """From now on, this process may take so many seconds, waits for the storage left out; then SIGALRM ends it.

    Slow storage must not count: a sound file would be called hostile for it.
    """

    def __init__(self, seconds: float) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    @contextmanager
    def waiting(self) -> Generator[None]:
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, left)

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
