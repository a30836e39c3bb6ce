"""What a bench needs of a job queue, whoever made it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

JOBS_AT_ONCE = 100
"""Jobs that `submit` takes in one call when many are wanted: the files of one order of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """How the worker processes of a queue are to work."""

    record: Path
    """Where every job is written down, see bench/records.py."""
    at_a_time: int = 1
    job_seconds: float = 0.0
    lease_seconds: float = 900.0
    """How long a worker may be silent before its jobs are given to another one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A worker process: `python -m bench.workers.MODULE ARGUMENTS`."""

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


class Queue(Protocol):
    """A queue with a database of its own, as whoever submits sees it. Jobs have numbers, counted from 0."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...

    async def submit(self, numbers: Sequence[int]) -> None:
        """Returns when the jobs are in the database and workers may know. At most JOBS_AT_ONCE, of one hundred."""
        ...

    async def look(self, number: int) -> None:
        """Ask what became of a job, as a customer does."""
        ...

    async def rescue(self, lease_seconds: float) -> None:
        """What its users have to do now and then so that jobs of dead workers run again, where workers do not."""
        ...

    def worker(self, work: Work) -> Command: ...
