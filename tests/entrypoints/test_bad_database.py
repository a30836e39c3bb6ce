"""A database that cannot be used: one clear line that names the setting and the remedy, at start and from doctor."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import pytest

from devtools.installation import Ended
from devtools.own_postgres import OwnPostgres, own_postgres
from tests.entrypoints.in_process import run_here

PASSWORD: Final = "geheim-7351"
ACCESS: Final = """
host all postgres 127.0.0.1/32 trust
host shop,empty,blog anna 127.0.0.1/32 scram-sha-256
"""


class Run(Protocol):
    def __call__(self, words: str, url: str) -> Ended: ...


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[OwnPostgres]:
    """Asks for passwords, has no TLS, and databases with no tables and with somebody else's."""
    with own_postgres(access=ACCESS) as own:
        own.say(f"CREATE ROLE anna LOGIN PASSWORD '{PASSWORD}'")
        own.say("CREATE DATABASE empty OWNER anna")
        own.say("CREATE DATABASE shop")
        own.say("CREATE DATABASE blog OWNER anna")
        own.say("CREATE TABLE orders (id int)", database="blog")
        yield own


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(words: str, url: str) -> Ended:
        settings = {"EDITQUEUE_DATA_DIR": str(tmp_path), "EDITQUEUE_DATABASE_URL": url, "JWT_SECRET": "s" * 32}
        return run_here(monkeypatch, capsys, words, settings)

    return run


def assert_said(run: Run, url: str, *hints: str) -> None:
    for command in ("serve", "consume", "sweep", "status"):
        complaint = run(command, url).complaint()
        assert "EDITQUEUE_DATABASE_URL" in complaint
        assert all(hint in complaint for hint in hints), complaint
        assert PASSWORD not in complaint
    told = run("doctor", url)
    assert "1 of" in told.complaint()
    assert "BROKEN  database: " in told.out
    assert all(hint in told.out for hint in hints)
    assert PASSWORD not in told.out


def test_a_wrong_password(server: OwnPostgres, run: Run) -> None:
    url = server.url(user="anna", password="falsch", database="shop")

    assert_said(run, url, "password authentication failed", "check its user and password")


def test_an_unknown_database(server: OwnPostgres, run: Run) -> None:
    assert_said(run, server.url(database="gone"), '"gone" does not exist', "createdb")


def test_a_user_who_may_not_come(server: OwnPostgres, run: Run) -> None:
    assert_said(run, server.url(user="bert", database="shop"), 'user "bert"', "pg_hba.conf")


def test_a_server_that_refuses_tls(server: OwnPostgres, run: Run) -> None:
    url = server.url(user="anna", password=PASSWORD, database="shop")

    assert_said(run, f"{url}?ssl=require", "does not support SSL", "leave ?ssl= away")


def test_an_old_schema(server: OwnPostgres, run: Run) -> None:
    url = server.url(user="anna", password=PASSWORD, database="empty")

    assert_said(run, url, "at revision none", "editqueue migrate")


def test_a_server_that_is_gone(run: Run) -> None:
    with own_postgres() as own:
        url = own.url()

    assert_said(run, url, "Connection refused", "check its host and port")


def test_a_server_that_nobody_knows(run: Run) -> None:
    assert_said(run, "postgresql://anna@nowhere.invalid/shop", "check its host and port")


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("foo=bar", "no option 'foo'"),
        ("timeout=soon", "must be a number"),
        ("ssl=banana", "verify-full"),
        ("sslmode=banana", "verify-full"),
    ],
)
def test_an_option_that_does_not_exist(server: OwnPostgres, run: Run, option: str, hint: str) -> None:
    complaint = run("consume", f"{server.url()}?{option}").complaint()

    assert "EDITQUEUE_DATABASE_URL" in complaint
    assert hint in complaint


def test_an_option_that_sqlite_does_not_have(run: Run, tmp_path: Path) -> None:
    assert "no option 'foo'" in run("consume", f"sqlite:///{tmp_path}/x.db?foo=bar").complaint()


def test_a_database_with_somebody_elses_tables_is_not_migrated(server: OwnPostgres, run: Run) -> None:
    url = server.url(user="anna", password=PASSWORD, database="blog")

    complaint = run("migrate", url).complaint()

    assert '"orders" already exists' in complaint
    assert "give an empty database" in complaint


def test_a_user_who_may_not_make_tables(server: OwnPostgres, run: Run) -> None:
    url = server.url(user="anna", password=PASSWORD, database="shop")

    assert "GRANT ALL ON SCHEMA public" in run("migrate", url).complaint()
