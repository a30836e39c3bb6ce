"""What runs in a worker process: it prepares itself once, then makes one preview after the other."""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import threading

from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.processes.limits import TimeLimit, WorkerLimits, allow_cpu, allow_memory
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import ImageWorkerDied, OverLimit
from editqueue.ports.bucket import ByteSources
from editqueue.ports.image_tools import Preview

PR_SET_PDEATHSIG = 1
M_MMAP_THRESHOLD = -3
LARGE = 1024 * 1024
"""Bytes of an allocation that goes back to the system when it is freed: on six HEICs that is 164 MB or 117."""


def prepare_worker(memory_bytes: int, consumer: int) -> None:
    """Before the first job. `consumer` is the id of the process that is served."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Pebble's handler is Python: it waits for native code to return, and Pebble 3 s before it sends SIGKILL.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with(consumer)
    _libc("mallopt", M_MMAP_THRESHOLD, LARGE)
    vips()
    allow_memory(memory_bytes)


def make_preview(sources: ByteSources, key: str, limits: WorkerLimits) -> Preview:
    """One job. Raises as `ImageTools.make_preview` does."""
    allow_cpu(limits.cpu_seconds)
    limit = TimeLimit(limits.wall_seconds)
    try:
        return render_preview(sources.open(key, waiting=limit.waiting), limits=limits.pixels)
    except MemoryError as error:
        raise OverLimit("needs more memory than a worker may have") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of the storage client; cannot be pickled
            raise ImageWorkerDied("the storage client in the image worker failed") from error
        raise
    finally:
        limit.end()
        _libc("malloc_trim", 0)


def _end_with(consumer: int) -> None:
    """Follow a consumer that was SIGKILLed, also in the middle of a job.

    PR_SET_PDEATHSIG alone is not enough: our parent is the fork server, and it lives as long as any worker
    holds the pipe to it, which every worker inherits. So a thread waits for the end of the consumer itself.
    """
    _libc("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_end_after_consumer, daemon=True).start()
    try:
        os.kill(consumer, 0)
    except ProcessLookupError:  # gone before the thread could wait for it
        os._exit(0)


def _end_after_consumer() -> None:
    consumer = multiprocessing.parent_process()
    if consumer is not None:
        consumer.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _libc(function: str, *arguments: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # elsewhere than on Linux with glibc they are missing
        getattr(ctypes.CDLL(None), function)(*arguments)
