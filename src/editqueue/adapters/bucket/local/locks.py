"""Locks that end with the process that holds them, however it ends."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

LOCK: Final = "lock"


def lock(file: IO[bytes]) -> bool:
    """Lock an open file until it is closed; False if another holds it. True without a lock where there are none."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, some network drives for one
        return True
    return True


@contextmanager
def alone(staging: Path) -> Generator[None]:
    """One thread of one process at a time."""
    with (staging / LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
