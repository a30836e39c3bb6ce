"""Previews in warm worker processes that can be killed: no file takes the consumer down."""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import resource
import signal
import threading
from concurrent.futures import BrokenExecutor, Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field

from pebble import ProcessExpired, ProcessPool

from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.processes.time_limit import TimeLimit, allow_cpu
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import EditQueueError, ImageWorkerDied, OverLimit, StorageUnavailable
from editqueue.ports.bucket import ByteSources
from editqueue.ports.image_tools import Preview

PR_SET_PDEATHSIG = 1
M_MMAP_THRESHOLD = -3
LARGE = 1024 * 1024
"""Bytes of an allocation that goes back to the system when it is freed: on six HEICs that is 164 MB or 117."""
RESERVED = 1024 * 1024 * 1024
"""Bytes of address space above the memory limit: a 200 MP HEIC after a 33 MP one needs 0.4 GiB of them."""
CLOSE_SECONDS = 10
"""How long a close waits for its workers; those left over die with this process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLimits:
    """What one picture may cost. A 45 MP JPEG takes 120 MB and 0.2 s, so these stop only the hostile."""

    memory_bytes: int = 1536 * 1024 * 1024
    """What a worker may allocate (RLIMIT_DATA); more fails cleanly inside the decoders."""
    wall_seconds: float = 30
    """Of work on one file, waits for the storage left out; then the kernel ends the worker."""
    cpu_seconds: int = 30
    """After this the kernel ends the worker, also when the consumer is too busy to watch the clock."""
    jobs_per_worker: int = 500
    """Then a worker is replaced, so that no leak in a codec grows for ever."""
    caps: PixelLimits = field(default_factory=PixelLimits)


class WorkerPool:
    """`ImageTools` on `size` worker processes. Start it inside a running event loop's process, once."""

    def __init__(self, sources: ByteSources, *, size: int = 1, limits: WorkerLimits | None = None) -> None:
        self._sources = sources
        self._limits = limits or WorkerLimits()
        self._running: set[Future[Preview]] = set()
        self._pool = ProcessPool(
            max_workers=size,
            max_tasks=self._limits.jobs_per_worker,
            initializer=_prepare_worker,
            initargs=(self._limits.memory_bytes, os.getpid()),
            # Neither fork (threads and open databases) nor spawn (0.3 s a worker). Pebble words Pipe its own way.
            context=multiprocessing.get_context("forkserver"),  # pyright: ignore[reportArgumentType]
        )

    async def make_preview(self, key: str) -> Preview:
        # The worker keeps its time itself: what still runs after this waits for a storage that never answers.
        timeout = self._limits.wall_seconds + self._sources.longest.total_seconds()
        future: Future[Preview] = self._pool.schedule(_render, args=(self._sources, key, self._limits), timeout=timeout)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        try:
            return await asyncio.wrap_future(future)
        except FutureTimeout as error:
            raise StorageUnavailable(f"{key}: not read after {timeout:g} s") from error
        except BrokenExecutor as error:
            raise ImageWorkerDied("the image workers were stopped") from error
        except ProcessExpired as error:
            raise self._why_died(error) from error
        except MemoryError as error:
            raise OverLimit(f"needs more than {self._limits.memory_bytes} bytes of memory") from error

    def _why_died(self, error: ProcessExpired) -> EditQueueError:
        if error.exitcode == -signal.SIGALRM:
            return OverLimit(f"not finished after {self._limits.wall_seconds:g} s")
        if error.exitcode == -signal.SIGXCPU:
            return OverLimit(f"not finished after {self._limits.cpu_seconds} s of CPU time")
        return ImageWorkerDied(f"the image worker died (exit code {error.exitcode})")

    async def close(self) -> None:
        # Pebble does not always answer the jobs that a stop cuts off; nobody may wait for them for ever.
        for one in tuple(self._running):
            one.cancel()
        self._pool.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.to_thread(self._pool.join, CLOSE_SECONDS)


def _prepare_worker(memory_bytes: int, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Pebble's handler is Python: it waits for native code to return, and Pebble 3 s before it sends SIGKILL.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with(parent)
    _keep_little()
    vips()
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    # Address space is no memory: allocators reserve it for every thread. A limit all the same, for mapped files.
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes + RESERVED, memory_bytes + RESERVED))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _keep_little() -> None:
    with contextlib.suppress(OSError, AttributeError):  # only glibc has these
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


def _give_back() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _die_with(parent: int) -> None:
    """Follow a consumer that was SIGKILLed, also in the middle of a job.

    PR_SET_PDEATHSIG alone is not enough: our parent is the fork server, and it lives as long as any worker
    holds the pipe to it, which every worker inherits. So a thread waits for the end of the consumer itself.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_end_after_parent, daemon=True).start()
    if not _alive(parent):
        os._exit(0)


def _end_after_parent() -> None:
    consumer = multiprocessing.parent_process()
    if consumer is not None:
        consumer.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _render(sources: ByteSources, key: str, limits: WorkerLimits) -> Preview:
    allow_cpu(limits.cpu_seconds)
    limit = TimeLimit(limits.wall_seconds)
    try:
        return render_preview(sources.open(key, waiting=limit.waiting), limits=limits.caps)
    except EditQueueError:
        raise
    except MemoryError as error:
        raise OverLimit("needs more memory than a worker may have") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of the storage client; cannot be pickled
            raise ImageWorkerDied("the storage client in the image worker failed") from error
        raise
    finally:
        limit.end()
        _give_back()
