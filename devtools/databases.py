"""Databases for tests: each a copy of a template, because migrations take longer than most tests."""

import asyncio
import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import psycopg
from sqlalchemy import make_url

from devtools.postgres import Postgres, postgres
from editqueue.adapters.job_store.opening.open_store import migrate_schema

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")
NewDatabase = Callable[[], str]
"""Makes an empty database of the newest schema and returns its URL; it is gone after the test."""


def new_sqlite(folder: Path, name: str = "world") -> str:
    """The URL of a fresh SQLite file in `folder`."""
    return f"sqlite:///{sqlite_path(folder, name)}"


def sqlite_path(folder: Path, name: str = "world") -> Path:
    """A fresh SQLite file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.db"
    if not path.exists():
        shutil.copyfile(_sqlite_template(), path)
    return path


@contextmanager
def new_postgres() -> Generator[NewDatabase]:
    """Fresh databases on the server of this test process; all are dropped at the end."""
    server, template = _postgres_template()
    made: list[str] = []

    def new() -> str:
        made.append(server.create(template=template))
        return server.url(made[-1])

    try:
        yield new
    finally:
        for name in made:
            server.drop(name)


@contextmanager
def empty_database(kind: Kind, folder: Path) -> Generator[str]:
    """The URL of a database without any table; a SQLite file will be in `folder`."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/empty.db"
        return
    server = postgres_server()
    name = server.create()
    try:
        yield server.url(name)
    finally:
        server.drop(name)


def run_statements(url: str, statements: Sequence[str]) -> None:
    """One after the other, as they are."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            for one in statements:
                connection.execute(one.encode())
        return
    with closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as connection:
        for one in statements:
            connection.execute(one)


@cache
def postgres_server() -> Postgres:
    """The server of this test process, started when first asked for, stopped when the process ends."""
    block = postgres()
    server = block.__enter__()
    atexit.register(block.__exit__, None, None, None)
    return server


@cache
def _postgres_template() -> tuple[Postgres, str]:
    server = postgres_server()
    name = server.create()
    atexit.register(server.drop, name)
    _migrate(server.url(name))
    return server, name


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="editqueue-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    """In a thread of its own: a test's event loop may be running in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate_schema(url)).result()
