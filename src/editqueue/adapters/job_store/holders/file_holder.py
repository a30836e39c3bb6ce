"""`Holder` on SQLite: a locked file beside the database."""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from editqueue.adapters.job_store.holders.files import is_at, lock
from editqueue.ports.journal import Journal

LOOK_EVERY: Final = 1.5
"""Seconds between looks. With the 2 s in which a consumer that seems to be gone may come back, its jobs are queued
again 3.5 s after its end."""
TRIES, BETWEEN_TRIES = 50, 0.01
"""At a new file that somebody who looks has locked, for a moment, and the seconds between them."""


class FileHolder:
    """The lock is taken again, at the next look, when somebody has removed the file."""

    def __init__(self, folder: Path, *, consumer: str, journal: Journal) -> None:
        self._path = folder / consumer
        self._consumer = consumer
        self._journal = journal
        self._descriptor: int | None = None
        self._losses = 0
        self._warned = False

    @property
    def consumer(self) -> str:
        return self._consumer

    @property
    def held_as(self) -> str | None:
        return None if self._descriptor is None else self._consumer

    @property
    def losses(self) -> int:
        return self._losses

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None]:
        try:
            await self._take()
            yield
        finally:
            self._let_go()

    async def next_look(self) -> None:
        await asyncio.sleep(LOOK_EVERY)
        if self._descriptor is None or not is_at(self._descriptor, self._path):
            self._losses += self._descriptor is not None
            await self._take()

    async def _take(self) -> None:
        try:
            taken = await self._locked()
        except OSError as error:
            if not self._warned:
                self._warned = True
                reason = f"{self._path} cannot be locked: {error.strerror}"
                self._journal.warning("consumer_lock_missing", consumer=self._consumer, reason=reason)
            return
        self._let_go()
        self._descriptor, self._warned = taken, False

    async def _locked(self) -> int:
        for _ in range(TRIES):
            descriptor = self._locked_at_once()
            if descriptor is not None:
                return descriptor
            await asyncio.sleep(BETWEEN_TRIES)
        raise BlockingIOError(errno.EAGAIN, "somebody else has locked it")

    def _locked_at_once(self) -> int | None:
        self._path.parent.mkdir(exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)  # Python closes it in its children
        with ExitStack() as stack:
            stack.callback(os.close, descriptor)
            if not (lock(descriptor) and is_at(descriptor, self._path)):
                return None
            stack.pop_all()
        return descriptor

    def _let_go(self) -> None:
        """The file stays: whoever finds it unlocked takes over what this consumer may have left, and removes it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
