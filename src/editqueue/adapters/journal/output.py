"""Where a journal's lines go."""

from typing import Protocol

from editqueue.adapters.journal import rendering


class Output(Protocol):
    """Takes lines, and leaves out what it cannot write: no method raises, and none waits but `close`."""

    dropped: int
    """How many lines were left out so far."""

    def write(self, line: str) -> None: ...

    def close(self) -> None:
        """Write what still waits, for at most two seconds."""
        ...


def lines_dropped(count: int) -> str:
    """The line that says where the log has a gap."""
    return rendering.warning("log_lines_dropped", count=count)
