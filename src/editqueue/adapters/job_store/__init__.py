"""JobStore on SQL: SQLite, PostgreSQL and Cloudflare D1 through SQLAlchemy Core.

The names below come when they are asked for: Alembic and the engines, which stand behind them, exist
on no Cloudflare Worker, and importing any module of this package runs this file.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from editqueue.adapters.job_store.opening import migrate_schema, newest_revision, open_store
    from editqueue.adapters.job_store.store import SqlStore

__all__ = ["SqlStore", "migrate_schema", "newest_revision", "open_store"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = "store" if name == "SqlStore" else "opening"
    return getattr(import_module(f"{__name__}.{place}"), name)
