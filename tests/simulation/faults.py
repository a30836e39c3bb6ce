"""What may go wrong at a call, how often in this world, and what a shortened run leaves out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.chance import Chance, Dice

REFUSED: Final = "refused"
"""An error before the effect."""
LOST: Final = "answer lost"
"""The effect, and then an error."""
SILENT: Final = "no answer"
"""No effect; the caller waits as long as its adapter lets it."""
LATE: Final = "too late"
"""The caller gets an error, and the effect comes after that."""
KILLED_BEFORE, KILLED_AFTER = "killed before", "killed after"
STOPPED_BEFORE, STOPPED_AFTER = "stopped before", "stopped after"
"""For longer than the stale limit, or for seconds."""
TERMINATED: Final = "SIGTERM"
LOCK_LOST: Final = "lock lost"
"""A consumer that lives loses the lock by which others know it, for a moment."""
SLOW: Final = "slow"
"""Seconds instead of milliseconds."""
OUTAGE: Final = "outage"
"""Every call of a port is refused for some seconds."""
DROPPED, DOUBLED, DELAYED = "message lost", "message doubled", "message late"

OF_CALLS: Final = (
    REFUSED,
    LOST,
    SILENT,
    LATE,
    KILLED_BEFORE,
    KILLED_AFTER,
    STOPPED_BEFORE,
    STOPPED_AFTER,
    TERMINATED,
    SLOW,
    LOCK_LOST,
)
OF_MESSAGES: Final = (DROPPED, DOUBLED, DELAYED)
ANSWERED: Final = frozenset({REFUSED, KILLED_BEFORE, KILLED_AFTER, STOPPED_BEFORE, STOPPED_AFTER, TERMINATED, SLOW})
"""What can happen to a database that is a file on the same machine: what it commits is known."""
RATES: Final = (0.0, 0.0, 0.01, 0.03, 0.1)
DEADLY: Final = frozenset({KILLED_BEFORE, KILLED_AFTER, STOPPED_BEFORE, STOPPED_AFTER, TERMINATED})
LOCK_RATES: Final = (0.0, 0.1, 0.3)
DEADLY_RATES: Final = (0.0, 0.003, 0.012, 0.04)
PORTS: Final = ("store", "bucket", "queue", "images")
OUTAGE_SECONDS: Final = (2.0, 45.0)


@dataclass(frozen=True, slots=True)
class Outage:
    name: str
    port: str
    begins: float
    ends: float


@dataclass(kw_only=True)
class Faults:
    """One world's weather. Each kind of fault has a rate of its own, often zero: a world in which everything goes
    wrong never comes to where two things go wrong in a row."""

    chance: Chance
    calm_at: float
    """Seconds after which nothing goes wrong any more."""
    only: frozenset[str] | None = None
    """The names of what happens, in a run that is made shorter; nothing else does, whatever chance wants."""
    happened: list[str] = field(default_factory=list[str])
    met: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """How often which fault met which step."""

    def __post_init__(self) -> None:
        self.rates = self._rates()
        self.outages = [outage for outage in self._outages() if self.is_wanted(outage.name)]

    def _rates(self) -> Mapping[str, float]:
        first, second = self.chance.at("rates"), self.chance.at("rates of messages")
        rates: dict[str, float] = {}
        for number, kind in enumerate(OF_CALLS):
            choices = DEADLY_RATES if kind in DEADLY else LOCK_RATES if kind == LOCK_LOST else RATES
            rates[kind] = choices[int(first[number] * len(choices))]
        for number, kind in enumerate(OF_MESSAGES):
            rates[kind] = (0.0, 0.1, 0.5)[int(second[number] * 3)]
        return rates

    def _outages(self) -> list[Outage]:
        dice = self.chance.at("outages")
        found: list[Outage] = []
        for number in range(int(dice[0] * 3)):
            port = PORTS[int(dice[3 * number + 1] * len(PORTS))]
            begins = dice.between(3 * number + 2, 0, self.calm_at)
            ends = min(begins + dice.between(3 * number + 3, *OUTAGE_SECONDS), self.calm_at)
            found.append(Outage(f"outage {number}", port, begins, ends))
        return found

    def is_wanted(self, name: str) -> bool:
        """Whether a fault, an act of a customer or a program belongs to this run."""
        return self.only is None or name in self.only

    def at_call(self, who: str, step: str, nth: int, *, now: float, dice: Dice, possible: frozenset[str]) -> str | None:
        """What goes wrong at this call, if anything. `possible` is what this kind of call may meet."""
        if now >= self.calm_at:
            return None
        for outage in self.outages:
            if step.startswith(outage.port) and outage.begins <= now < outage.ends:
                return self._happens(outage.name, OUTAGE, step)
        draw = dice[0]
        for kind in OF_CALLS:
            rate = self.rates[kind]
            if draw < rate:
                name = f"{who} {step} {nth}: {kind}"
                return self._happens(name, kind, step) if kind in possible and self.is_wanted(name) else None
            draw -= rate
        return None

    def outage_of(self, ports: Sequence[str], *, since: float, now: float) -> str | None:
        """One of `ports` that was away all the time."""
        return next(
            (one.name for one in self.outages if one.port in ports and one.begins <= since and now < one.ends), None
        )

    def at_message(self, who: str, nth: int, *, now: float, dice: Dice) -> str | None:
        if now >= self.calm_at:
            return None
        draw = dice[0]
        for kind in OF_MESSAGES:
            if draw < self.rates[kind] / 3:
                name = f"{who} message {nth}: {kind}"
                return self._happens(name, kind, "queue.send") if self.is_wanted(name) else None
            draw -= self.rates[kind] / 3
        return None

    def _happens(self, name: str, kind: str, step: str) -> str:
        if not self.happened or self.happened[-1] != name:
            self.happened.append(name)
        self.met[kind, step] += 1
        return kind
