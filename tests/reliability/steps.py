"""Number every call of a worker to database, bucket and images, before and after, and do something there."""

import inspect
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from editqueue.adapters.job_store.databases import sqlite, sqlite_connection
from editqueue.ports import Ports
from editqueue.ports.bucket import Bucket

OF_A_JOB = frozenset({"claim_next", "finish", "fail", "retry_later", "release", "copy", "write", "make_preview"})
"""The calls by which one attempt at a job changes anything."""
ONE_JOB = 10
"""Claim, copy, preview, write and finish, before and after each."""


class Steps:
    """Does `act` at step number `at`. With `every`, all calls count, not only those of OF_A_JOB."""

    def __init__(self, at: int, act: Callable[[], Awaitable[None]], *, every: bool = False) -> None:
        self._at = at
        self._act = act
        self._every = every
        self.taken = 0

    def around(self, ports: Ports, bucket: Bucket | None = None) -> Ports:
        return replace(
            ports,
            store=self._watch(ports.store),
            bucket=self._watch(bucket or ports.bucket),
            images=self._watch(ports.images),
        )

    def _watch(self, inner: Any) -> Any:
        return _Watched(inner, self)

    def watches(self, name: str) -> bool:
        return name in OF_A_JOB or (self._every and name != "close")

    async def step(self) -> None:
        if self.is_next():
            await self._act()

    def is_next(self) -> bool:
        self.taken += 1
        return self.taken == self._at


@contextmanager
def statements_counted(steps: Steps, act: Callable[[], None]) -> Generator[None]:
    """Every statement on SQLite counts as well, before and after, BEGIN and COMMIT among them. To PostgreSQL a group
    goes out whole."""

    def step() -> None:
        if steps.is_next():
            act()

    def connect(path: Path, *, busy_timeout_ms: int) -> _Counted:
        return _Counted(sqlite_connection.connect(path, busy_timeout_ms=busy_timeout_ms), step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "connect", connect)
        yield


class _Counted:
    def __init__(self, connection: sqlite3.Connection, step: Callable[[], None]) -> None:
        self._connection = connection
        self._step = step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *words: Any) -> sqlite3.Cursor:
        self._step()
        cursor = self._connection.execute(*words)
        self._step()
        return cursor


class _Watched:
    def __init__(self, inner: Any, steps: Steps) -> None:
        self._inner = inner
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not (self._steps.watches(name) and inspect.iscoroutinefunction(found)):
            return found

        async def watched(*args: Any, **kwargs: Any) -> Any:
            await self._steps.step()
            result = await found(*args, **kwargs)
            await self._steps.step()
            return result

        return watched
