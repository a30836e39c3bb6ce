"""A simulated world: what there is in it, from its first moment until everything has come to rest."""

import asyncio
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, cast

from devtools.seeds import NOON, seed_files, seed_order
from editqueue.adapters.job_queue.cloudflare.queue import CloudflareQueue, Lease
from editqueue.adapters.job_store.databases.database import Rows
from editqueue.adapters.job_store.databases.statement import Statement
from editqueue.adapters.job_store.store.d1_store import D1HttpStore
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.job_store.store.sqlite_store import SqliteStore
from editqueue.entrypoints.consumer import GRACE
from editqueue.ports import Limits, Ports
from editqueue.ports.holder import NoHolder
from tests.simulation.books import Books, Violation
from tests.simulation.bucket import Shelf, SimulatedBucket
from tests.simulation.chance import Chance
from tests.simulation.customers import NEVER_CONTENT, USUAL, Customer, Operator
from tests.simulation.database import LocalDatabase, RemoteDatabase
from tests.simulation.determinism import decided_by_the_seed
from tests.simulation.disk import Disk
from tests.simulation.faults import Faults
from tests.simulation.holders import Locks, SimulatedFiles, SimulatedHolder
from tests.simulation.life import CURRENT, Life
from tests.simulation.loop import Deadlock, VirtualLoop
from tests.simulation.pictures import MISSING, SimulatedImages, nature_of, original
from tests.simulation.post import OwnQueue, PostOffice, SimulatedApi
from tests.simulation.programs import ApiProgram, ConsumerProgram, CronProgram, Program
from tests.simulation.watching import SimulatedJournal, WatchedQueue, WatchedStore
from tests.simulation.wire import Scene, Wire

COMES_TO_REST: Final = 4 * 3600.0
"""Seconds after the last fault within which everything must have ended. A job may be found stale only after 15
minutes, four times over."""
LOOK_EVERY: Final = 10.0
UNTIL_TOLD: Final = 3.0
"""Seconds until the last answer has arrived."""


@dataclass(frozen=True, slots=True)
class ProcessClock:
    """What a process takes for the time: a little ahead or behind, and a little fast or slow."""

    loop: VirtualLoop
    ahead: float = 0.0
    rate: float = 1.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.loop.time() * self.rate + self.ahead)


class Actor(Protocol):
    done: list[str]

    async def live(self) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """What came of a run."""

    seed: int
    violation: Violation | None
    story: str
    happened: list[str]
    """The names of the faults and of what customers did: what a shorter run may leave out."""
    met: Mapping[tuple[str, str], int]
    steps: int
    seconds: float
    """Of virtual time."""

    def without_story(self) -> "Ending":
        return replace(self, story="")


class World:
    def __init__(self, seed: int, *, only: frozenset[str] | None = None) -> None:
        self.chance = Chance(seed)
        self._dice = self.chance.at("world")
        tempo = 1.0 if self._dice[11] < 0.25 else 0.1
        calm_at = self._dice.between(0, 60, 900 if tempo == 1 else 300)
        loop = VirtualLoop()
        self.scene = Scene(
            chance=self.chance,
            faults=Faults(chance=self.chance, calm_at=calm_at, only=only),
            loop=loop,
            tempo=tempo,
            outside=Life("world", self.chance),
        )
        self.is_local = self._dice[1] < 0.5
        """SQLite and everything else on one machine; or a database and a queue that are far away."""
        self.disk, self.locks = Disk(), Locks()
        self.clock = ProcessClock(loop)
        self.shelf = Shelf(ProcessClock(loop, ahead=self._dice.between(2, -30, 30)))
        self.office = PostOffice(self.scene)
        retention = timedelta(days=90) if self._dice[3] < 0.6 else timedelta(seconds=self._dice.between(4, 1, 60))
        usual = Limits()
        self.limits = Limits(
            job_timeout=usual.job_timeout * tempo, stale_after=usual.stale_after * tempo, retention=retention
        )
        self.books = Books(self.scene, self.disk, self.shelf, locks=self.locks, limits=self.limits, clock=self.clock)
        self.scene.look = self.books.look
        self.programs = self._programs()
        self.actors: list[Actor] = []

    # Who is there ----
    def _programs(self) -> list[Program]:
        interval = timedelta(seconds=120 if self.scene.tempo == 1 else 30)
        working: dict[str, Any] = {"grace": GRACE * self.scene.tempo}
        common: dict[str, Any] = {
            "scene": self.scene,
            "books": self.books,
            "make_ports": self._ports,
            "sweep_interval": interval,
        }
        workers = [1 + int(self._dice[5] * 2), 1 + int(self._dice[6] * 1.4)]
        first: list[Program] = (
            [ConsumerProgram(name="serve", concurrency=workers[0], **common, **working)]
            if self.is_local
            else [
                ApiProgram(name="api", **common),
                ConsumerProgram(name="consumer-1", concurrency=workers[0], **common, **working),
            ]
        )
        if self._dice[7] < 0.6:
            first.append(ConsumerProgram(name="consumer-2", concurrency=workers[1], **common, **working))
        if self._dice[8] < 0.4:
            first.append(CronProgram(name="cron", **common, **working))
        others = [program for program in first[1:] if self.scene.faults.is_wanted(program.name)]
        return [first[0], *others]

    def _ports(self, program: Program, life: Life) -> Ports:
        wire = Wire(scene=self.scene, process=program, life=life)
        clock = self.clock if self.is_local else self._clock_of(program)
        store: SqlStore
        if self.is_local:
            store = SqliteStore(LocalDatabase(self.disk, wire, self.clock), SimulatedFiles(self.locks))
            holder, queue = SimulatedHolder(self.locks, wire), OwnQueue(wire)
        else:
            store = D1HttpStore(cast("Any", RemoteDatabase(self.disk, wire, self.clock)))
            concurrency = program.concurrency if isinstance(program, ConsumerProgram) else 1
            lease = Lease.of(self.limits, concurrency=concurrency)
            queue = CloudflareQueue(SimulatedApi(self.office, wire), lease=lease, clock=clock, pause=asyncio.sleep)
            holder = NoHolder(consumer=life.name)
        watched = WatchedStore(store, life, self.books)
        return Ports(
            store=cast("Any", watched),
            bucket=SimulatedBucket(self.shelf, wire),
            queue=WatchedQueue(queue, self.books, watched, self.disk),
            images=SimulatedImages(self.shelf, wire),
            clock=clock,
            chance=self.chance.stream(f"{life.name} jitter").random,
            journal=SimulatedJournal(self.scene, life, self.books),
            pause=asyncio.sleep,
            limits=self.limits,
            holder=holder,
        )

    def _clock_of(self, program: Program) -> ProcessClock:
        dice = self.chance.at(f"{program.name} clock")
        return ProcessClock(self.scene.loop, ahead=dice.between(0, -1, 1), rate=dice.between(1, 1 - 2e-4, 1 + 2e-4))

    async def _fill(self) -> None:
        """Customers with files that are uploaded and marked."""
        store = SqlStore(_Direct(self.disk))
        apis = self.programs[:1]
        for number in range(1 + int(self._dice[9] * 2)):
            user_id = ("anna", "ben")[number]
            dice = self.chance.at(f"{user_id} files")
            order = await seed_order(store, user_id=user_id)
            files = await seed_files(store, order, 1 + int(dice[0] ** 2 * 5))
            for place, file in enumerate(files, start=1):
                nature = nature_of(dice, place, deadly=self.is_local)
                if nature != MISSING:
                    self.shelf.put(file.object_key, original(nature, file.object_key), content_type="image/jpeg")
            self.actors.append(
                Customer(
                    user_id=user_id,
                    order_id=order.id,
                    files=[file.id for file in files],
                    acts=3 + int(dice[6] * 12),
                    tastes=NEVER_CONTENT if dice[7] < 0.4 else USUAL,
                    apis=apis,
                    scene=self.scene,
                    books=self.books,
                    disk=self.disk,
                    shelf=self.shelf,
                    deadly=self.is_local,
                )
            )
        acts = int(self._dice[10] * 4)
        self.actors.append(Operator(acts=acts, apis=apis, scene=self.scene, books=self.books))

    # What happens ----
    def run(self) -> Ending:
        """From the beginning until everything is at rest, or until a promise is broken."""
        loop = self.scene.loop
        with decided_by_the_seed(loop):
            try:
                loop.run(self._live(), life=self.scene.outside, until=lambda: bool(self.books.found))
            except Deadlock:
                self.books.report("the world stands still", "nothing is ready, and no timer is set")
            self._bury()
        self.disk.close()
        done = [name for actor in self.actors for name in actor.done]
        programs = [program.name for program in self.programs[1:]]
        return Ending(
            seed=self.chance.seed,
            violation=self.books.found[0] if self.books.found else None,
            story=self.scene.story.text(),
            happened=[*programs, *done, *self.scene.faults.happened],
            met=self.scene.faults.met,
            steps=loop.steps,
            seconds=loop.time(),
        )

    async def _live(self) -> None:
        await self._fill()
        self.books.look("the beginning")
        for program in self.programs:
            program.start()
        living = [asyncio.create_task(actor.live()) for actor in self.actors]
        await asyncio.sleep(self.scene.faults.calm_at)
        self.scene.tell("world", "calm: nothing goes wrong any more")
        until = self.scene.loop.time() + COMES_TO_REST
        while not (all(task.done() for task in living) and self._is_at_rest()):
            if self.scene.loop.time() > until:
                self.books.report("it does not come to rest", f"within {COMES_TO_REST:.0f} s after the last fault")
                return
            await asyncio.sleep(LOOK_EVERY)
        for task in living:
            task.result()
        await asyncio.sleep(UNTIL_TOLD)
        self.scene.tell("world", "everything is at rest")
        self.books.judge_the_end()

    def _is_at_rest(self) -> bool:
        active = "SELECT id FROM edit_jobs WHERE status IN ('queued', 'in_progress')"
        held = "SELECT id FROM files WHERE locked OR expiring_at IS NOT NULL"
        is_up = all(
            program.life.is_killed if isinstance(program, CronProgram) else not program.life.is_stopped
            for program in self.programs
        )
        return is_up and not self.books.objects_owed() and not self.disk.rows(f"{active} UNION ALL {held} LIMIT 1")

    def _bury(self) -> None:
        """End what is left. From now on no call does anything, so that whatever still runs only runs out."""
        loop = self.scene.loop
        self.scene.is_over = True
        for life in [self.scene.outside, *(life for program in self.programs for life in program.lives)]:
            life.is_stopped = False
            for step in life.held_back:
                loop.make_ready(step)
        context = copy_context()
        context.run(CURRENT.set, self.scene.outside)
        context.run(loop.end_all)


class _Direct:
    """The database without a wire, for what is there from the beginning."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    async def run(self, *statements: Statement) -> Sequence[Rows]:
        return self._disk.run(statements)

    async def probe(self) -> datetime:
        return NOON

    async def close(self) -> None:
        pass


def run(seed: int, *, only: frozenset[str] | None = None) -> Ending:
    return World(seed, only=only).run()
