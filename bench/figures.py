"""A measured figure and its target."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    promise: int
    what: str
    measured: float
    target: float
    unit: str
    spread: tuple[float, float] | None = None
    """Smallest and largest of the runs."""

    @property
    def held(self) -> bool:
        return self.measured <= self.target

    def line(self) -> str:
        spread = "" if self.spread is None else f"  [{self.spread[0]:.2f} .. {self.spread[1]:.2f}]"
        verdict = "held  " if self.held else "MISSED"
        return (
            f"{verdict} {self.promise:>2}  {self.what:<58} {self.measured:>8.2f} <= {self.target:g} {self.unit}{spread}"
        )

    def as_json(self) -> Mapping[str, object]:
        return asdict(self) | {"held": self.held}


def middle(values: list[float]) -> tuple[float, tuple[float, float]]:
    """The median, and smallest and largest."""
    return median(values), (min(values), max(values))
