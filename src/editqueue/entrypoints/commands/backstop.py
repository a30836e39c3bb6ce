"""The end that needs nothing of the program: a process that was told to end is gone in time, whatever holds it."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

LONGEST_END: Final = 40.0
"""Seconds from the first signal. Running jobs get 25, their messages and the queue 5 each."""
KERNELS_TURN: Final = 3
"""Seconds more until the kernel ends a process in which a native library never lets go of Python's lock."""
SAYING_SO: Final = 1.0
"""Seconds for the last line: nobody may be reading stderr."""

Wording = Callable[[str], str]


def end_by_force(*, wording: Wording, after: float = LONGEST_END) -> None:
    """End the process `after` so many seconds. To be called in a daemon thread, which ends with the process if that
    is sooner."""
    signal.alarm(int(after) + KERNELS_TURN)  # its default action ends the process
    time.sleep(after)
    line = wording(f"told to end {after:g} s ago, and something would not let go: ended by force")
    saying = threading.Thread(target=_say, args=(line,), daemon=True)
    saying.start()
    saying.join(SAYING_SO)
    os._exit(1)


def as_text(what: str) -> str:
    """The line of a command that fails."""
    return f"editqueue: {what}"


def as_json(what: str) -> str:
    """The line of a command whose stderr is its log."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"event": "ended_by_force", "error": what, "level": "error", "timestamp": now})


def _say(line: str) -> None:
    with suppress(OSError):
        os.write(2, line.encode() + b"\n")
