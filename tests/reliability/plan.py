"""What a process of its own is told to do: plain values, because they travel as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    task: str
    """A name in `workers.TASKS`."""
    environment: Mapping[str, str]
    """The settings of the system it works on."""
    moment: float = 0
    """Seconds after NOON at which its clock stands when it starts."""
    kill_at: int = 0
    """Dies by SIGKILL at this step, counted from 1; 0 is never."""
    kill_after: float = 0
    """Gets SIGKILL from outside after so many seconds, wherever it is; 0 is never."""
    trouble: str = ""
    """What is wrong with every picture, a name in `fates.FATES`."""
    real_images: bool = False
    leaps: bool = True
    """Time passes when nothing may run now; without, the process ends there."""
    words: Sequence[str] = field(default_factory=tuple)
    """What else the task needs."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Plan":
        return cls(**document)
