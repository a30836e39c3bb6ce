"""A measured figure, and its target where a promise has one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    promise: int
    """0 for what is asked for without a number, such as fairness."""
    what: str
    measured: float
    target: float | None = None
    """None for a figure that only explains another."""
    unit: str
    at_least: bool = False
    """The target is the least, not the most."""
    spread: tuple[float, float] | None = None
    """Smallest and largest of the runs."""
    facts: Mapping[str, float] = field(default_factory=dict[str, float])
    """What else the same runs told, by name with its unit at the end."""

    @property
    def held(self) -> bool | None:
        """None without a target."""
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured <= self.target

    @property
    def verdict(self) -> str:
        return {True: "held", False: "MISSED", None: ""}[self.held]

    def line(self) -> str:
        limit = "" if self.target is None else f"{'>=' if self.at_least else '<='} {self.target:g}"
        spread = "" if self.spread is None else f"  [{self.spread[0]:.2f} .. {self.spread[1]:.2f}]"
        facts = "".join(f"  {name} {value:.1f}" for name, value in self.facts.items())
        return (
            f"{self.verdict:<6} {self.promise or '-':>2}  {self.what:<88} "
            f"{self.measured:>9.2f} {self.unit:<7} {limit:<7}{spread}{facts}"
        ).rstrip()

    def as_json(self) -> Mapping[str, object]:
        return asdict(self) | {"held": self.held}


def middle(values: list[float]) -> tuple[float, tuple[float, float]]:
    """The median, and smallest and largest."""
    return median(values), (min(values), max(values))
