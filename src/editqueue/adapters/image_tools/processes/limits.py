"""What one picture may cost an image worker, kept by the kernel: it ends native code that never returns."""

import math
import resource
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits

RESERVED = 1024 * 1024 * 1024
"""Bytes of address space above the memory limit: a 200 MP HEIC after a 33 MP one needs 0.4 GiB of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLimits:
    """A 45 MP JPEG takes 120 MB and 0.2 s, so these stop only the hostile."""

    memory_bytes: int = 1536 * 1024 * 1024
    """What a worker may allocate (RLIMIT_DATA); more fails cleanly inside the decoders."""
    wall_seconds: float = 30
    """Of work on one file, waits for the storage left out; then the kernel ends the worker."""
    cpu_seconds: int = 30
    """After this the kernel ends the worker, also when the consumer is too busy to watch the clock."""
    jobs_per_worker: int = 500
    """Then a worker is replaced, so that no leak in a codec grows for ever."""
    pixels: PixelLimits = field(default_factory=PixelLimits)


class LimitTooLow(Exception):
    """The system leaves a process less than one picture may cost."""


def allow_memory(limit: int) -> None:
    """From now on, this process may allocate `limit` bytes, and leaves no core dump. Raises LimitTooLow."""
    _allow(resource.RLIMIT_DATA, limit, "data (ulimit -d, systemd's LimitDATA=)")
    # Address space is no memory: allocators reserve it for every thread. A limit all the same, for mapped files.
    _allow(resource.RLIMIT_AS, limit + RESERVED, "address space (ulimit -v, systemd's LimitAS=)")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow(kind: int, limit: int, name: str) -> None:
    try:
        resource.setrlimit(kind, (limit, limit))
    except ValueError as error:  # only who may do all can have more than the limit that was there
        _, most = resource.getrlimit(kind)
        raise LimitTooLow(
            f"a process may have {most / 2**20:.0f} MiB of {name}, and EDITQUEUE_IMAGE_MEMORY needs"
            f" {limit / 2**20:.0f} there; raise that limit or lower the setting"
        ) from error


def allow_cpu(seconds: int) -> None:
    """From now on, this process may use so much CPU time; then SIGXCPU ends it. A hard limit of the system stays, and
    counts from a second before it: there the kernel would send SIGKILL, which says nothing of the picture."""
    used = math.ceil(time.process_time())
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    limit = used + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit if most == resource.RLIM_INFINITY else min(limit, most - 1), most))


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
