"""EDITQUEUE_DATABASE_URL: which drivers and options it may name, and what its errors mean for whoever set it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from editqueue.domain.errors import SetupError

NAME: Final = "EDITQUEUE_DATABASE_URL"
CONNECT_SECONDS: Final = 10
_DRIVERS: Final = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_TLS: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def _tls(mode: str) -> str:
    if mode not in _TLS:
        raise SetupError(f"{NAME}: there is no TLS mode {mode!r}; known are {', '.join(_TLS)}")
    return mode


_OPTIONS: Final[Mapping[str, Mapping[str, Callable[[str], object]]]] = {
    "sqlite+pysqlite": {},
    "postgresql+psycopg": {
        "host": str,  # the folder of a Unix socket
        "port": int,
        "ssl": _tls,
        "sslmode": _tls,
        "sslrootcert": str,
        "timeout": float,
        "connect_timeout": float,
        "command_timeout": float,
        "statement_cache_size": int,
        "prepared_statement_cache_size": int,
        "application_name": str,
    },
}
_REMEDIES: Final = {
    "28P01": "check its user and password",
    "28000": "check its user; the server's pg_hba.conf decides who may come, from where, and whether with ?ssl=require",
    "3D000": "check its database name, or make that database (createdb)",
    "42P07": "other tables are there, or a migration that broke off: give an empty database, or restore a backup",
    "42501": "its user needs more rights: GRANT ALL ON SCHEMA public",
    "53300": "run fewer processes (each takes up to 15 connections) or raise max_connections of the server",
    "57P03": "the server is starting or stopping; try again in a moment",
}
"""By SQLSTATE."""


_SAID: Final = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    'role "': "28000",
    'database "': "3D000",
    "too many": "53300",
    "remaining connection slots": "53300",
    "starting up": "57P03",
    "shutting down": "57P03",
}
"""What a server says while somebody signs in, in English: libpq passes the words on, without their SQLSTATE."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseUrl:
    url: URL
    """With our driver, without options."""
    options: Mapping[str, Any]
    """For connecting to PostgreSQL, by libpq's names; empty for SQLite."""
    command_seconds: float | None = None
    """For a group of statements, if the URL says so."""
    prepares: bool = True
    """Whether statements are prepared at the server."""

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"


def parse(text: str) -> DatabaseUrl:
    """Raises SetupError for another kind of database, and for an option it does not know."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise SetupError(f"{NAME} is no URL; give postgresql://user:password@host/database") from error
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise SetupError(
            f"{NAME}: {url.get_backend_name()} is not supported; "
            "give sqlite:///path/to/file.db or postgresql://user:password@host/database"
        )
    options = {name: _option(driver, name, value) for name, value in url.query.items()}
    bare = url.set(drivername=driver, query={})
    return DatabaseUrl(url=bare, options={}) if driver == "sqlite+pysqlite" else _to_postgres(bare, options)


def _to_postgres(url: URL, given: Mapping[str, Any]) -> DatabaseUrl:
    seconds = given.get("timeout", given.get("connect_timeout", CONNECT_SECONDS))
    wanted = {
        "host": given.get("host", url.host),
        "port": given.get("port", url.port),
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
        "sslmode": given.get("sslmode", given.get("ssl")),
        "sslrootcert": given.get("sslrootcert"),
        "connect_timeout": ceil(seconds),
        "application_name": given.get("application_name", "editqueue"),
        "client_encoding": "UTF8",
        "keepalives_idle": 10,  # a firewall that forgot a connection is noticed before a group waits for it
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "gssencmode": "disable",  # a question to the server before each connection, which next to none of them knows
    }
    return DatabaseUrl(
        url=url,
        options={name: value for name, value in wanted.items() if value is not None},
        command_seconds=given.get("command_timeout"),
        prepares=0 not in {given.get("statement_cache_size"), given.get("prepared_statement_cache_size")},
    )


def _option(driver: str, name: str, value: str | tuple[str, ...]) -> object:
    known = _OPTIONS[driver]
    if name not in known:
        others = f"known are {', '.join(known)}" if known else "SQLite takes none"
        raise SetupError(f"{NAME}: there is no option {name!r}; {others}")
    try:
        return known[name](value if isinstance(value, str) else value[-1])
    except ValueError as error:
        raise SetupError(f"{NAME}: {name}={value} must be a number, for example {name}=30") from error


def unusable(url: str, error: Exception) -> SetupError:
    """What to say when the database of `url` cannot be opened for `error`."""
    cause = getattr(error, "orig", None) or error
    first, *_ = str(cause).splitlines() or [type(cause).__name__]  # libpq asks back in those that follow
    said = " ".join(first.split())
    return SetupError(f"{NAME}: cannot open {shown(url)}: {said}; {_remedy(url, error, said)}")


def shown(url: str) -> str:
    """`url` without its password."""
    return make_url(url).render_as_string(hide_password=True)


def _remedy(url: str, error: Exception, said: str) -> str:
    if make_url(url).get_backend_name() == "sqlite":
        if "locked" in said:
            return "another process holds it; try again when that one is through, or end it"
        if any(word in said for word in ("unable to open", "readonly", "attempt to write", "no folder")):
            return "check that the path is writable"
        return "give EDITQUEUE_DATABASE_URL, or EDITQUEUE_DATA_DIR, the place of a database of ours, or an empty one"
    if any(word in said for word in ("support SSL", "SSL error", "certificate")):
        return "leave ?ssl= away if the server has no TLS; if it has, see TLS in docs/operations.md"
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or _state_of(said)
    return _REMEDIES.get(str(state), "check its host and port, and that the server runs and can be reached from here")


def _state_of(said: str) -> str | None:
    refused = said.partition("FATAL:")[2]
    return next((state for words, state in _SAID.items() if words in refused), None)
