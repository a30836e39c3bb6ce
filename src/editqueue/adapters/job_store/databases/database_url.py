"""EDITQUEUE_DATABASE_URL: which drivers and options it may name, and what its errors mean for whoever set it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from editqueue.domain.errors import SetupError

NAME: Final = "EDITQUEUE_DATABASE_URL"
CONNECT_SECONDS: Final = 10
_DRIVERS: Final = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_OPTIONS: Final[Mapping[str, Mapping[str, Callable[[str], object]]]] = {
    "sqlite+pysqlite": {},
    "postgresql+asyncpg": {
        "host": str,  # the folder of a Unix socket
        "port": int,
        "ssl": str,
        "timeout": float,
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


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseUrl:
    url: URL
    """With our driver, without options."""
    options: Mapping[str, object]
    """For the driver's connect."""

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
    if driver == "postgresql+asyncpg":
        options = {"timeout": CONNECT_SECONDS} | options
        options["server_settings"] = {"application_name": options.pop("application_name", "editqueue")}
    return DatabaseUrl(url=url.set(drivername=driver, query={}), options=options)


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
    said = " ".join(str(cause).split()) or type(cause).__name__
    return SetupError(f"{NAME}: cannot open {shown(url)}: {said}; {_remedy(url, error, said)}")


def shown(url: str) -> str:
    """`url` without its password."""
    return make_url(url).render_as_string(hide_password=True)


def _remedy(url: str, error: Exception, said: str) -> str:
    if make_url(url).get_backend_name() == "sqlite":
        if "locked" in said:
            return "another process holds it; try again when that one is through, or end it"
        return "check that the path is writable"
    if any(word in said for word in ("SSL", "ssl", "certificate")):
        return "leave ?ssl= away if the server has no TLS; if it has, see TLS in docs/operations.md"
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return _REMEDIES.get(str(state), "check its host and port, and that the server runs and can be reached from here")
