"""By whom it is known which consumers live: a lock that ends with a life."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from editqueue.adapters.job_store.holders.files import HolderFiles
from tests.simulation.life import CURRENT, Life

LOOK_EVERY: Final = 5.0
"""Seconds. Real consumers look every 1.5; nothing else happens in between."""


class Locks:
    """Of the whole world: whose lock is held by whom."""

    def __init__(self) -> None:
        self._held: dict[str, Life | None] = {}
        """By the name of the consumer; None for one that nobody holds."""

    def names(self) -> list[str]:
        return sorted(self._held)

    def is_free(self, name: str) -> bool:
        """Also where nobody of that name was ever seen."""
        life = self._held.get(name)
        return life is None or life.is_killed

    def take(self, name: str) -> bool:
        if not self.is_free(name):
            return False
        self._held[name] = CURRENT.get()
        return True

    def let_go(self, name: str) -> None:
        if self._held.get(name) is CURRENT.get():
            self._held[name] = None

    def remove(self, name: str) -> None:
        self._held.pop(name, None)

    def is_there(self, name: str) -> bool:
        return name in self._held


class SimulatedFiles(HolderFiles):
    """The same locks as the store sees them."""

    def __init__(self, locks: Locks) -> None:
        super().__init__(Path("nowhere"))
        self._locks = locks

    async def living(self) -> Sequence[str]:
        return [name for name in self._locks.names() if not self._locks.is_free(name)]

    async def gone(self) -> Sequence[str]:
        return [name for name in self._locks.names() if self._locks.is_free(name)]

    @contextmanager
    def locked(self, names: Sequence[str]) -> Generator[Sequence[str]]:
        mine = [name for name in names if self._locks.is_there(name) and self._locks.take(name)]
        try:
            yield mine
        finally:
            for name in mine:
                self._locks.let_go(name)

    def remove(self, name: str) -> None:
        self._locks.remove(name)


class SimulatedHolder:
    """`Holder` of one life of a consumer."""

    def __init__(self, locks: Locks, consumer: str) -> None:
        self._locks = locks
        self.consumer = consumer
        self.held_as: str | None = None

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None]:
        if self._locks.take(self.consumer):
            self.held_as = self.consumer
        try:
            yield
        finally:
            self.held_as = None
            self._locks.let_go(self.consumer)

    async def next_look(self) -> None:
        await asyncio.sleep(LOOK_EVERY)
