"""The two databases that the statements run on: SQLite on the same machine, and one that is reached over a wire."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.database_url import parse
from editqueue.adapters.job_store.databases.sqlite import SqliteDatabase
from editqueue.adapters.job_store.databases.statement import Statement
from editqueue.adapters.job_store.databases.threads import Threads, Turn
from editqueue.ports.time import Clock
from tests.simulation.disk import Disk
from tests.simulation.wire import ASKED, REMOTE, SQLITE, Scene, Wire

T = TypeVar("T")


class NoThreads(Threads):
    """Every turn is taken at one instant of virtual time, `delay` seconds after it was asked for."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(0, name="none")
        self._scene = scene
        self.delay = 0.0

    def submit(self, work: Callable[[], T]) -> Turn[T]:
        turn = Turn(work)
        self._scene.loop.call_later(self.delay, self._take, turn)
        return turn

    def _take(self, turn: Turn[T]) -> None:
        if not self._scene.is_over:
            turn.run()
            self._scene.look(ASKED.get().step)


class LocalDatabase(SqliteDatabase):
    """The real one, on the world's disk."""

    def __init__(self, disk: Disk, wire: Wire, clock: Clock) -> None:
        super().__init__(parse("sqlite:///:memory:"))
        self._writer = self._readers = self._turns = NoThreads(wire.scene)
        self._idle.append(disk.connection)
        self._wire = wire
        self._clock = clock

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        call = self._wire.begin(ASKED.get().step, SQLITE)
        await call.before()
        self._turns.delay = call.latency()
        rows = await super().run(*statements)
        await call.after()
        return rows

    async def _probe(self) -> datetime:
        call = self._wire.begin("store.probe", SQLITE)
        await call.before()
        self._turns.delay = call.latency()
        await self._in_turn(lambda _: None, writes=True)
        await call.after()
        return self._clock.now()


class RemoteDatabase:
    """`Database` over a wire, as D1's is."""

    def __init__(self, disk: Disk, wire: Wire, clock: Clock) -> None:
        self._disk = disk
        self._wire = wire
        self._clock = clock

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        return await self._wire.call(ASKED.get().step, REMOTE, lambda: self._disk.run(statements))

    async def probe(self) -> datetime:
        async with asyncio.timeout(REMOTE.patience):
            return await self._wire.call("store.probe", REMOTE, self._clock.now)

    async def close(self) -> None:
        pass
