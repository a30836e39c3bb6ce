"""What one seed decides. Every place in the world draws for itself, so that taking one fault away moves no other."""

import random
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

_WHOLE: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Dice:
    """Sixteen numbers in [0, 1) that belong to one place."""

    digest: bytes

    def __getitem__(self, number: int) -> float:
        return int.from_bytes(self.digest[4 * number : 4 * number + 4], "big") / _WHOLE

    def between(self, number: int, low: float, high: float) -> float:
        return low + (high - low) * self[number]


@dataclass(frozen=True, slots=True)
class Chance:
    seed: int

    def at(self, place: str, nth: int = 0) -> Dice:
        """The same numbers for the same place, whatever was drawn elsewhere before."""
        return Dice(blake2b(f"{self.seed} {place} {nth}".encode()).digest())

    def stream(self, name: str) -> random.Random:
        """For what is drawn one after the other: ids, and the order of what is ready."""
        return random.Random(f"{self.seed} {name}")
