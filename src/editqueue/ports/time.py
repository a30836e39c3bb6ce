"""Time and chance: injected, so that tests decide them."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

TOLERANCE: Final = timedelta(seconds=30)
"""Clocks further apart than this are said to be; NTP keeps them within milliseconds."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC. Raises StorageUnavailable as long as nobody has told it."""
        ...


class Chance(Protocol):
    def __call__(self) -> float:
        """A random number in [0, 1), for jitter."""
        ...


Pause = Callable[[float], Awaitable[None]]
"""Waits that many seconds; in tests, time passes instead."""
