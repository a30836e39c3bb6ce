"""The wire between a process and what it calls: latency, faults, and the one instant at which a call has its effect."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeVar

from editqueue.adapters.job_store.databases.database import StatementRefused
from editqueue.domain.errors import ImageWorkerDied, QueueUnavailable, StorageUnavailable
from editqueue.ports.job_store import Claim
from tests.simulation import faults
from tests.simulation.chance import Chance, Dice
from tests.simulation.faults import Faults
from tests.simulation.life import CURRENT, Life
from tests.simulation.loop import VirtualLoop
from tests.simulation.story import Story

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The method of the store that is being called: what a change in the database is held against."""

    step: str
    life: Life
    claim: Claim | None = None


ASKED: "ContextVar[Asked]" = ContextVar("asked")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What calls of one kind may meet."""

    error: Callable[[str], Exception]
    """What the adapter raises when the other side does not do its part."""
    patience: float
    """Seconds after which the adapter gives an answer up."""
    possible: frozenset[str]
    work: float = 0.0
    """Seconds that the other side may be at work before the effect."""
    is_bounded: bool = False
    """Whether what was asked happens within that patience or never, as with a request that is signed or timed."""


EVERYTHING: Final = frozenset(faults.OF_CALLS) - {faults.LOCK_LOST}
SQLITE: Final = Kind(error=StatementRefused, patience=10, possible=faults.ANSWERED)
REMOTE: Final = Kind(error=StorageUnavailable, patience=12, possible=EVERYTHING)
BUCKET: Final = Kind(error=StorageUnavailable, patience=150, possible=EVERYTHING, is_bounded=True)
QUEUE: Final = Kind(error=QueueUnavailable, patience=10, possible=EVERYTHING)
IMAGES: Final = Kind(error=ImageWorkerDied, patience=600, possible=faults.ANSWERED | {faults.SILENT}, work=12)
COPY: Final = replace(BUCKET, work=4)


class Process(Protocol):
    """A program on some machine, which is started anew after every end."""

    @property
    def name(self) -> str: ...
    def kill(self) -> None: ...
    def stop(self, seconds: float) -> None: ...
    def terminate(self) -> None: ...


@dataclass(kw_only=True)
class Scene:
    """What everybody in the world shares."""

    chance: Chance
    faults: Faults
    loop: VirtualLoop = field(default_factory=VirtualLoop)
    story: Story = field(default_factory=Story)
    outside: Life
    """What belongs to no process: customers, the other side of a wire, time itself."""
    look: Callable[[str], None] = lambda _: None
    """Called after every effect, with what was done: holds the world against the promises."""
    tempo: float = 1.0
    """The share of the usual limits that this world's have: waiting for an image or the bucket ends with them."""
    troubled_until: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    """By process and port: until when a call of it may last that did not go well."""
    is_over: bool = False
    """The run has ended: no call does anything any more."""
    calls: Counter[str] = field(default_factory=Counter[str])
    names: dict[str, str] = field(default_factory=dict[str, str])

    def tell(self, who: str, what: str, outcome: str = "") -> None:
        self.story.tell(self.loop.time(), who, what, outcome)

    def name_of(self, kind: str, identity: str) -> str:
        """`job 3` for the third job that the story speaks of."""
        if identity not in self.names:
            self.names[identity] = f"{kind} {sum(name.startswith(kind) for name in self.names.values()) + 1}"
        return self.names[identity]

    def trouble(self, who: str, port: str, seconds: float) -> None:
        until = self.loop.time() + seconds
        self.troubled_until[who, port] = max(until, self.troubled_until.get((who, port), 0))

    def was_troubled(self, who: str, ports: Sequence[str], *, since: float) -> bool:
        return any(self.troubled_until.get((who, port), -1) >= since for port in ports)

    def later(self, seconds: float, callback: Callable[..., object], *args: object) -> None:
        """Outside of any process: no end of one keeps it from being done."""
        context = copy_context()
        context.run(CURRENT.set, self.outside)
        self.loop.call_later(seconds, callback, *args, context=context)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """Of one life of one process."""

    scene: Scene
    process: Process
    life: Life

    def begin(self, step: str, kind: Kind, about: str = "") -> "Call":
        scene, who = self.scene, self.process.name
        if scene.is_over:
            raise asyncio.CancelledError
        place = f"{who} {step}"
        nth = scene.calls[place] = scene.calls[place] + 1
        dice = scene.chance.at(place, nth)
        fault = scene.faults.at_call(who, step, nth, now=scene.loop.time(), dice=dice, possible=kind.possible)
        call = Call(wire=self, step=step, kind=kind, about=about, dice=dice, fault=fault)
        if fault is not None and fault not in faults.DEADLY:
            scene.trouble(who, step.partition(".")[0], call.patience)
        return call

    async def call(self, step: str, kind: Kind, effect: Callable[[], T], about: str = "") -> T:
        """What `effect` returns or raises, unless something goes wrong on the way."""
        call = self.begin(step, kind, about)
        await asyncio.sleep(call.latency())
        await call.before(effect)
        error, result = None, None
        try:
            result = effect()
        except Exception as raised:  # noqa: BLE001  # it is an answer like any other
            error = raised
        self.scene.look(step)
        await call.after(error)
        await asyncio.sleep(call.latency(back=True))
        if error is not None:
            raise error
        return result  # pyright: ignore[reportReturnType]  # None only where the effect returns it


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    wire: Wire
    step: str
    kind: Kind
    about: str
    dice: Dice
    fault: str | None

    @property
    def patience(self) -> float:
        limited = self.kind.patience > 100
        return self.kind.patience * self.wire.scene.tempo if limited else self.kind.patience

    def latency(self, *, back: bool = False) -> float:
        """Seconds. Most calls take milliseconds, some none at all, a few a second."""
        if self.fault == faults.SLOW and not back:
            return self.dice.between(1, 2, min(40, self.patience))
        draw = self.dice[3 if back else 2]
        if self.kind.work and not back:
            return self.kind.work * draw * draw
        if draw < 0.3:
            return 0
        return draw / 30 if draw < 0.95 else self.dice[1]

    async def before(self, late: Callable[[], object] = lambda: None) -> None:
        """Until just before the effect. Raises what keeps it from happening now."""
        if self.wire.scene.is_over:
            raise asyncio.CancelledError
        match self.fault:
            case faults.KILLED_BEFORE | faults.STOPPED_BEFORE | faults.TERMINATED:
                asked_at = self.wire.scene.loop.time()
                await self._befall()
                if self.kind.is_bounded and self.wire.scene.loop.time() - asked_at > self.patience:
                    await self._refuse(0)
            case faults.REFUSED | faults.OUTAGE:
                await self._refuse(0)
            case faults.SILENT:
                await self._refuse(self.patience)
            case faults.LATE:
                gives_up = min(self.patience, self.dice.between(4, 0, 6))
                self.wire.scene.later(gives_up + self.dice.between(5, 0, 30), self._come_late, late, CURRENT.get())
                await self._refuse(gives_up)
            case _:
                pass

    async def after(self, error: Exception | None = None) -> None:
        """From just after the effect. Raises where its answer is lost."""
        outcome = "ok" if error is None else f"{type(error).__name__}: {error}"
        if self.fault in {faults.LOST, faults.KILLED_AFTER, faults.STOPPED_AFTER}:
            outcome = f"{outcome}; {self.fault}"
        elif self.fault == faults.SLOW:
            outcome = f"{outcome}, slowly"
        self._tell(outcome)
        if self.fault == faults.LOST:
            raise self.kind.error(f"{self.step}: the answer was lost")
        if self.fault in {faults.KILLED_AFTER, faults.STOPPED_AFTER}:
            await self._befall(told=True)

    async def _refuse(self, seconds: float) -> None:
        # From now on: the process may have been stopped since it asked.
        self.wire.scene.trouble(self.wire.process.name, self.step.partition(".")[0], seconds)
        await asyncio.sleep(seconds)
        self._tell(f"{self.fault}")
        raise self.kind.error(f"{self.step}: {self.fault}")

    def _come_late(self, effect: Callable[[], object], life: Life) -> None:
        scene = self.wire.scene
        if scene.is_over:
            return
        try:
            effect()
        except Exception as error:  # noqa: BLE001  # nobody hears of it
            outcome = f"{type(error).__name__}: {error}"
        else:
            outcome = "done, and nobody waits for it"
        scene.tell(life.name, f"{self.step} {self.about}", outcome)
        scene.look(self.step)

    async def _befall(self, *, told: bool = False) -> None:
        """Something happens to the whole process; who is killed or stopped comes no further."""
        process = self.wire.process
        if not told:
            self._tell(f"{self.fault} it")
        match self.fault:
            case faults.TERMINATED:
                process.terminate()
            case faults.STOPPED_BEFORE | faults.STOPPED_AFTER:
                long = self.dice[6] < 0.5
                stale = 900 * self.wire.scene.tempo
                process.stop(self.dice.between(7, stale, 1.5 * stale) if long else self.dice.between(7, 0, stale / 2))
            case _:
                process.kill()
        await asyncio.sleep(0)

    def _tell(self, outcome: str) -> None:
        self.wire.scene.tell(self.wire.life.name, f"{self.step} {self.about}", outcome)
