"""A real `editqueue` process whose log is read while it runs."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from sqlalchemy import make_url

from devtools.patience import PATIENCE
from tests.reliability.site import Site

ENDS_WITHIN = 45
"""Seconds from SIGTERM to the end, whatever the process stands on."""
Entry = Mapping[str, Any]


class Running:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.log: list[Entry] = []
        """Every line of stderr: each must be JSON."""
        self._grown = asyncio.Condition()
        self._reader = asyncio.create_task(self._read()) if process.stderr is not None else None

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self._grown:
                self.log.append(json.loads(line))
                self._grown.notify_all()

    async def wait_for(self, is_it: Callable[[Entry], bool], *, after: int = 0, within: float = PATIENCE) -> int:
        """Until the log has such a line from line number `after` on; returns the number of the next one."""

        def found() -> int | None:
            return next((at for at, entry in enumerate(self.log[after:], start=after + 1) if is_it(entry)), None)

        try:
            async with asyncio.timeout(within), self._grown:
                await self._grown.wait_for(lambda: found() is not None)
        except TimeoutError:
            children = [f"{child.pid} {child.status()} {child.cmdline()[-1:]}" for child in self.children()]
            raise AssertionError(f"not within {within:g} s; children {children}; log {self.log[-5:]}") from None
        return found() or 0

    def told(self, event: str) -> list[Entry]:
        return [entry for entry in self.log if entry["event"] == event]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    async def end(self) -> float:
        """Send SIGTERM; how many seconds the process took to end well."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(ENDS_WITHIN):
            code = await self.process.wait()
        took = time.monotonic() - began
        if self._reader is not None:
            await self._reader
        assert code == 0, (code, self.log[-5:])
        return took


def event(name: str, **facts: object) -> Callable[[Entry], bool]:
    """Is a line of the log this one?"""
    wanted = {"event": name, **facts}
    return lambda entry: {key: entry.get(key) for key in wanted} == wanted


@asynccontextmanager
async def running(
    site: Site, *words: str, stderr: int = PIPE, python: Sequence[str] = (), **settings: str
) -> AsyncGenerator[Running]:
    """`editqueue WORDS` on `site`, killed at the end. `python` is instead of `-m editqueue.entrypoints.cli`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(python or ("-m", "editqueue.entrypoints.cli")),
        *words,
        env={**os.environ, **site.environment(), **settings},
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=stderr,
        limit=1024 * 1024,
    )
    made = Running(process)
    try:
        yield made
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def held(site: Site) -> AsyncGenerator[None]:
    """Somebody else holds what every write needs: SQLite's write lock, the table of jobs."""
    if site.kind == "sqlite":
        other = sqlite3.connect(
            Path(make_url(site.database_url).database or ""), isolation_level=None, timeout=PATIENCE
        )
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()
        return
    async with await psycopg.AsyncConnection.connect(site.database_url) as connection:
        await connection.execute("LOCK TABLE edit_jobs, files")
        yield
        await connection.rollback()
