"""Previews in warm worker processes that can be killed: no file takes the consumer down."""

import asyncio
import contextlib
import os
import signal
from concurrent.futures import BrokenExecutor, Future
from concurrent.futures import TimeoutError as FutureTimeout

from pebble import ProcessExpired, ProcessPool

from editqueue.adapters.image_tools.processes import worker
from editqueue.adapters.image_tools.processes.environment import CleanContext, start_resource_tracker
from editqueue.adapters.image_tools.processes.limits import WorkerLimits
from editqueue.domain.errors import EditQueueError, ImageWorkerDied, OverLimit, StorageUnavailable
from editqueue.ports.bucket import ByteSources
from editqueue.ports.image_tools import Preview

CLOSE_SECONDS = 10
"""How long a close waits for its workers; those left over die with this process."""


class WorkerPool:
    """`ImageTools` on `size` worker processes, which start with the first preview."""

    def __init__(self, sources: ByteSources, *, size: int = 1, limits: WorkerLimits | None = None) -> None:
        self._sources = sources
        self._limits = limits or WorkerLimits()
        self._running: set[Future[Preview]] = set()
        start_resource_tracker()  # the pool would, with the whole environment
        self._pool = ProcessPool(
            max_workers=size,
            max_tasks=self._limits.jobs_per_worker,
            initializer=worker.prepare_worker,
            initargs=(self._limits.memory_bytes, os.getpid()),
            context=CleanContext(),  # pyright: ignore[reportArgumentType]  # Pebble words Pipe its own way
        )

    async def make_preview(self, key: str, *, etag: str | None = None) -> Preview:
        # The worker keeps its time itself: what still runs after this waits for a storage that never answers.
        timeout = self._limits.wall_seconds + self._sources.longest.total_seconds()
        future = await self._scheduled(key, timeout)
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

    async def _scheduled(self, key: str, timeout: float) -> Future[Preview]:
        try:
            # To ask starts it, and that takes 200 ms; of several who ask at once, Pebble lets one start it.
            await asyncio.to_thread(getattr, self._pool, "active")
            future: Future[Preview] = self._pool.schedule(
                worker.make_preview, args=(self._sources, key, self._limits), timeout=timeout
            )
        except (BrokenExecutor, OSError) as error:
            raise ImageWorkerDied(f"the image workers cannot be started: {error.__cause__ or error}") from error
        except RuntimeError as error:  # so Pebble says that a pool was stopped, or is broken
            raise ImageWorkerDied(f"the image workers were stopped: {error}") from error
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    def _why_died(self, error: ProcessExpired) -> EditQueueError:
        if error.exitcode == -signal.SIGALRM:
            return OverLimit(f"not finished after {self._limits.wall_seconds:g} s")
        if error.exitcode == -signal.SIGXCPU:
            return OverLimit(f"not finished after {self._limits.cpu_seconds} s of CPU time")
        return ImageWorkerDied(f"the image worker died (exit code {error.exitcode})")

    async def probe(self) -> None:
        """x"""

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.stop)  # not before a start has ended
        # Pebble does not always answer the jobs that a stop cuts off; nobody may wait for them for ever.
        for future in tuple(self._running):
            future.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.to_thread(self._pool.join, CLOSE_SECONDS)
