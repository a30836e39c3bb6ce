"""Previews in warm worker processes that can be killed: no file takes the consumer down, and no kill the pool."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import wait
from typing import Final

from editqueue.adapters.image_tools.formats.tiny_picture import TinyPicture
from editqueue.adapters.image_tools.processes.image_worker import ImageWorker
from editqueue.adapters.image_tools.processes.limits import WorkerLimits
from editqueue.adapters.image_tools.processes.making import Making
from editqueue.adapters.image_tools.processes.worker import Picture
from editqueue.domain.errors import ImageWorkerDied, ProcessingError, StorageUnavailable
from editqueue.ports.bucket import ByteSources
from editqueue.ports.image_tools import Preview

CLOSE_SECONDS: Final = 10
"""How long a close waits for its workers; those left over die with this process."""
PROBE_SECONDS: Final = 10


class WorkerPool:
    """`ImageTools` on up to `size` worker processes, each started when a picture needs one and finds none alive."""

    def __init__(self, sources: ByteSources, *, size: int = 1, limits: WorkerLimits | None = None) -> None:
        self._sources = sources
        self._limits = limits or WorkerLimits()
        self._slots = asyncio.Semaphore(size)
        self._idle: list[ImageWorker] = []
        self._running: set[Making] = set()
        self._closed = False

    async def make_preview(self, key: str) -> Preview:
        # The worker keeps its time itself: what still runs after this waits for a storage that never answers.
        timeout = self._limits.wall_seconds + self._sources.longest.total_seconds()
        picture = Picture(sources=self._sources, key=key, limits=self._limits)
        async with self._slots:
            try:
                async with asyncio.timeout(timeout):
                    return await self._made(picture)
            except TimeoutError as error:
                raise StorageUnavailable(f"{key}: not read after {timeout:g} s") from error

    async def probe(self) -> None:
        """Pictures that occupy every worker show that the pool lives: each of them ends in its time."""
        begun = False
        try:
            async with asyncio.timeout(PROBE_SECONDS), self._slots:
                begun = True
                await self._made(Picture(sources=TinyPicture(), key="tiny", limits=self._limits))
        except TimeoutError as error:
            if begun:
                raise ImageWorkerDied(f"no tiny picture after {PROBE_SECONDS} s") from error
        except ImageWorkerDied:
            raise
        except ProcessingError as error:
            raise ImageWorkerDied(f"a tiny picture cannot be made: {error}") from error

    async def _made(self, picture: Picture) -> Preview:
        if self._closed:
            raise ImageWorkerDied("the image workers were stopped")
        making = Making(picture, self._idle)
        self._running.add(making)
        making.future.add_done_callback(lambda _: self._running.discard(making))
        making.start()
        try:
            return await asyncio.wrap_future(making.future)
        finally:
            making.stop()

    async def close(self) -> None:
        self._closed = True
        running = tuple(self._running)
        for making in running:
            making.stop()
        await asyncio.to_thread(self._end_workers, running)

    def _end_workers(self, running: Sequence[Making]) -> None:
        wait([making.future for making in running], CLOSE_SECONDS)
        while self._idle:
            self._idle.pop().end()
