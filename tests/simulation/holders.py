"""By whom it is known which consumers live: a lock that ends with a life."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from editqueue.adapters.job_store.holders.files import HolderFiles
from editqueue.domain.errors import StorageUnavailable
from editqueue.use_cases.consumer.take_over import COMES_BACK_WITHIN
from tests.simulation.faults import LOCK_LOST
from tests.simulation.life import CURRENT, Life
from tests.simulation.wire import Kind, Wire

LOOK_EVERY: Final = 6.0
"""Seconds. Real consumers look every 1.5; nothing else happens in between."""
RETRY_EVERY: Final = 0.5
_LOCK: Final = Kind(error=StorageUnavailable, patience=0, possible=frozenset({LOCK_LOST}))


class Locks:
    """Of the whole world: whose lock is held by whom."""

    def __init__(self) -> None:
        self._held: dict[str, Life | None] = {}
        """By the name of the consumer; None for one that nobody holds."""
        self.lost_at: dict[str, float] = {}

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

    def lost_for(self, name: str, now: float) -> float:
        """Seconds since a living consumer lost its lock; 0 if it has it."""
        return now - self.lost_at[name] if name in self.lost_at else 0

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

    def __init__(self, locks: Locks, wire: Wire) -> None:
        self._locks = locks
        self._wire = wire
        self.consumer = wire.life.name
        self.held_as: str | None = None
        self.losses = 0

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
        call = self._wire.begin("holder.next_look", _LOCK)
        if call.fault == LOCK_LOST and self.held_as is not None:
            await self._lose(call.dice.between(1, 0, COMES_BACK_WITHIN - 0.1))

    async def _lose(self, seconds: float) -> None:
        loop, name = self._wire.scene.loop, self.consumer
        self._wire.scene.tell(name, "loses its lock", f"for {seconds:.1f} s")
        self._locks.lost_at[name], self.held_as = loop.time(), None
        self.losses += 1
        self._locks.let_go(name)
        await asyncio.sleep(seconds)
        while not self._locks.take(name):  # noqa: ASYNC110  # polled in reality, too
            await asyncio.sleep(RETRY_EVERY)
        self.held_as = name
        self._locks.lost_at.pop(name, None)
