"""What happened to every job, written down by the worker processes themselves, one line each; SIGKILL loses no line."""

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["asked", "began", "ran", "ended"]
"""`asked`: a claim was asked for. `ran`: the job's own work is done. `ended`: the database knows (ours only)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    kind: Kind
    number: int
    at: float
    """As of time.time()."""
    process: int
    seconds: float
    """What the database took for it, where that was measured."""


class Recorder:
    """The side of a worker process."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._process = os.getpid()

    def write(self, kind: Kind, number: int, seconds: float = 0.0) -> None:
        os.write(self._file, f"{kind} {number} {time.time():.6f} {self._process} {seconds:.6f}\n".encode())


@dataclass(kw_only=True, slots=True)
class Records:
    """The side of the bench."""

    path: Path
    events: list[Event] = field(default_factory=list[Event])
    """The newest last."""
    ran: set[int] = field(default_factory=set[int])
    """Jobs that ran, once or more."""
    processes: set[int] = field(default_factory=set[int])
    """That have written down anything."""
    _counts: Counter[Kind] = field(default_factory=Counter[Kind])
    _read: int = 0

    def refresh(self) -> None:
        """Know all events until now."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        for line in whole.decode().splitlines():
            event = _event(line)
            self.events.append(event)
            self.processes.add(event.process)
            self._counts[event.kind] += 1
            if event.kind == "ran":
                self.ran.add(event.number)

    def count(self, kind: Kind) -> int:
        self.refresh()
        return self._counts[kind]


def _event(line: str) -> Event:
    kind, number, at, process, seconds = line.split()
    assert kind == "asked" or kind == "began" or kind == "ran" or kind == "ended"  # noqa: PLR1714  # narrows the type
    return Event(kind=kind, number=int(number), at=float(at), process=int(process), seconds=float(seconds))
