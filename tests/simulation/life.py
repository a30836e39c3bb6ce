"""A process of the simulated world: it may be stopped, go on, or be killed where it stands."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from tests.simulation.chance import Chance

CURRENT: "ContextVar[Life]" = ContextVar("life")
"""Whose code is running. Tasks and callbacks inherit it, as they do every context variable."""


class Life:
    """From a start to an end. Whoever starts again has another life."""

    def __init__(self, name: str, chance: Chance) -> None:
        self.name = name
        self.ids = chance.stream(f"{name} ids")
        """What its operating system calls random."""
        self.order = chance.stream(f"{name} order").random
        self.is_stopped = False
        self.is_killed = False
        self.stops = 0
        self.held_back: list[Any] = []
        """What became ready while it was stopped. After its death it is kept: collecting a coroutine would run its
        `finally` blocks, and the dead clean nothing up."""

    def stop(self) -> None:
        """Like SIGSTOP: nothing of it runs, its locks stay."""
        self.is_stopped = True
        self.stops += 1

    def go_on(self, make_ready: Callable[[Any], None]) -> None:
        if self.is_killed:
            return
        self.is_stopped = False
        held_back, self.held_back = self.held_back, []
        for step in held_back:
            make_ready(step)

    def kill(self) -> None:
        """Like SIGKILL: nothing of it ever runs again."""
        self.is_stopped = self.is_killed = True
