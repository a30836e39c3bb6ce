"""On SQLite: the locked files by which consumers tell each other that they live.

A consumer keeps a file of its name locked. The kernel ends the lock with the process, even by SIGKILL, and never
before. A file that nobody locks belongs to a consumer that is gone; whoever has taken its jobs over removes it.
"""

import asyncio
import fcntl
import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

MOST_AT_ONCE: Final = 100
"""Files of consumers that are gone, locked at the same time: each takes a descriptor."""


def holders_folder(database: Path) -> Path:
    """Beside the database file, because that is what all consumers share."""
    return database.with_name(f"{database.name}-holders")


class HolderFiles:
    """All of them in one folder, which need not be there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def living(self) -> Sequence[str]:
        """The consumers that hold their lock, by name."""
        return [name for name, is_free in await self._looked_at() if not is_free]

    async def gone(self) -> Sequence[str]:
        """The consumers that do not, up to MOST_AT_ONCE."""
        return [name for name, is_free in await self._looked_at() if is_free][:MOST_AT_ONCE]

    @contextmanager
    def locked(self, names: Sequence[str]) -> Generator[Sequence[str]]:
        """Lock the files of `names` until the end of the block; those that nobody else has locked, or removed."""
        with ExitStack() as stack:
            yield [name for name in names if self._lock(name, stack)]

    def remove(self, name: str) -> None:
        """The file of a consumer that is gone, while it is `locked`."""
        self._path(name).unlink(missing_ok=True)

    def _lock(self, name: str, stack: ExitStack) -> bool:
        descriptor = _open(self._path(name))
        if descriptor is None:
            return False
        stack.callback(os.close, descriptor)
        return lock(descriptor) and is_at(descriptor, self._path(name))

    async def _looked_at(self) -> Sequence[tuple[str, bool]]:
        """Each consumer, and whether its lock is free."""
        return await asyncio.to_thread(lambda: [(name, self._is_free(name)) for name in self._names()])

    def _is_free(self, name: str) -> bool:
        descriptor = _open(self._path(name))
        if descriptor is None:
            return False
        try:
            return lock(descriptor, fcntl.LOCK_SH)  # two that look at once do not take each other for its holder
        finally:
            os.close(descriptor)

    def _names(self) -> Sequence[str]:
        try:
            return sorted(entry.name for entry in os.scandir(self._folder) if entry.is_file(follow_symlinks=False))
        except FileNotFoundError:  # no consumer has been here
            return []

    def _path(self, name: str) -> Path:
        return self._folder / name


def lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file until it is closed; False if somebody else has locked it. Raises OSError where there are no
    locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one at `path`; it may have been removed before it was locked."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


def _open(path: Path) -> int | None:
    """None where it is gone, or is not ours to look at."""
    with suppress(FileNotFoundError, PermissionError):
        return os.open(path, os.O_RDONLY)  # Python closes it in processes that it starts
    return None
